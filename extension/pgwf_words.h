/*-------------------------------------------------------------------------
 *
 * pgwf_words.h
 *		Numbers for the words that histories are full of.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_WORDS_H
#define PGWF_WORDS_H

extern int	pgwf_word_find(const char *text, int len);
extern const char *pgwf_word(uint64 number, int *len);

#endif							/* PGWF_WORDS_H */
