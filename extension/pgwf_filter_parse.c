/*-------------------------------------------------------------------------
 *
 * pgwf_filter_parse.c
 *		The language of filters over runs: from text to a tree.
 *
 * A recursive-descent parser over a lexer that looks one token ahead.  What
 * is no filter raises PW003 with the place in the text: as an internal query
 * with its position, which clients show as a line and a caret, and in words.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "pgwf_compat.h"
#include "pgwf_errors.h"
#include "pgwf_filter_parse.h"

/* Bytes of a token that a message shows */
#define SHOWN_LENGTH 40

typedef enum TokenKind
{
	TOKEN_END,
	TOKEN_NAME,					/* an identifier, or anything in backticks */
	TOKEN_STRING,
	TOKEN_INTEGER,
	TOKEN_DECIMAL,
	TOKEN_OPERATOR,				/* one of = != < > <= >= */
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_COMMA,
	TOKEN_STAR
} TokenKind;

typedef struct Token
{
	TokenKind	kind;
	int			position;
	int			length;			/* in the text */
	bool		quoted;			/* a name in backticks */
	char	   *text;			/* of a name, a string or a number */
	PgwfFilterOperator operator;
} Token;

typedef struct Parser
{
	const char *text;
	int			length;
	int			next;			/* where the token after this one begins */
	Token		token;			/* to be looked at */
	int			depth;
	int			comparisons;
} Parser;

static const char *const operator_names[] = {
	[PGWF_FILTER_EQ] = "=",
	[PGWF_FILTER_NE] = "!=",
	[PGWF_FILTER_LT] = "<",
	[PGWF_FILTER_GT] = ">",
	[PGWF_FILTER_LE] = "<=",
	[PGWF_FILTER_GE] = ">=",
	[PGWF_FILTER_IN] = "IN",
	[PGWF_FILTER_NOT_IN] = "NOT IN",
	[PGWF_FILTER_STARTS_WITH] = "STARTS_WITH",
	[PGWF_FILTER_NOT_STARTS_WITH] = "NOT STARTS_WITH",
	[PGWF_FILTER_BETWEEN] = "BETWEEN",
	[PGWF_FILTER_NOT_BETWEEN] = "NOT BETWEEN",
	[PGWF_FILTER_IS_NULL] = "IS NULL",
	[PGWF_FILTER_IS_NOT_NULL] = "IS NOT NULL"
};

/* Words that are no names unless they stand in backticks */
static const char *const reserved_words[] = {
	"AND", "OR", "NOT", "IN", "IS", "NULL", "BETWEEN", "STARTS_WITH", "LIKE",
	"ORDER", "GROUP", "BY", "LIMIT", "OFFSET", "TRUE", "FALSE"
};

static PgwfFilterNode *parse_or(Parser *parser);
pg_noreturn static void unexpected(const Parser *parser,
								   const char *expected, const char *hint);

const char *
pgwf_filter_operator_name(PgwfFilterOperator operator)
{
	return operator_names[operator];
}

/* "position" counts bytes from 0; "hint" is a sentence or NULL */
void
pgwf_filter_error(const char *text, int position, const char *hint,
				  const char *format,...)
{
	int			character = pg_mbstrlen_with_len(text, position) + 1;
	StringInfoData message;
	va_list		args;

	initStringInfo(&message);
	for (;;)
	{
		int			needed;

		va_start(args, format);
		needed = appendStringInfoVA(&message, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&message, needed);
	}
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
			 errmsg("invalid query: %s", message.data),
			 errdetail("At character %d of the query.", character),
			 hint ? errhint("%s", hint) : 0,
			 internalerrposition(character),
			 internalerrquery(text)));
	pg_unreachable();
}

/*
 * Tokens
 */

static bool
is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A character of more than one byte is taken whole */
static int
char_length(const Parser *parser, int position)
{
	int			length = pg_mblen(parser->text + position);

	return Min(length, parser->length - position);
}

/* A string or a name in backticks */
static void
read_quoted(Parser *parser, Token *token)
{
	char		quote = parser->text[token->position];
	int			position = token->position + 1;
	StringInfoData value;

	initStringInfo(&value);
	for (;;)
	{
		char		c;
		int			length;

		if (position >= parser->length)
			pgwf_filter_error(parser->text, token->position, NULL,
							  quote == '`' ? "unterminated name" :
							  "unterminated string");
		c = parser->text[position];
		if (c == quote)
		{
			if (position + 1 >= parser->length ||
				parser->text[position + 1] != quote)
				break;
			position++;
		}
		else if (c == '\\' && quote != '`')
		{
			if (position + 1 >= parser->length)
				pgwf_filter_error(parser->text, token->position, NULL,
								  "unterminated string");
			c = parser->text[++position];
			if (c == 'n' || c == 't' || c == 'r')
			{
				appendStringInfoChar(&value, c == 'n' ? '\n' :
									 c == 't' ? '\t' : '\r');
				position++;
				continue;
			}
		}
		length = char_length(parser, position);
		appendBinaryStringInfo(&value, parser->text + position, length);
		position += length;
	}
	parser->next = position + 1;
	token->kind = quote == '`' ? TOKEN_NAME : TOKEN_STRING;
	token->quoted = true;
	token->text = value.data;
}

static void
skip_digits(Parser *parser)
{
	while (is_digit(parser->text[parser->next]))
		parser->next++;
}

/* The text ends with a 0, so looking one byte ahead is safe */
static void
read_number(Parser *parser, Token *token)
{
	const char *text = parser->text;

	token->kind = TOKEN_INTEGER;
	parser->next = token->position;
	if (text[parser->next] == '+' || text[parser->next] == '-')
		parser->next++;
	skip_digits(parser);
	if (text[parser->next] == '.')
	{
		token->kind = TOKEN_DECIMAL;
		parser->next++;
		skip_digits(parser);
	}
	if (text[parser->next] == 'e' || text[parser->next] == 'E')
	{
		int			exponent = parser->next + 1;

		if (text[exponent] == '+' || text[exponent] == '-')
			exponent++;
		if (is_digit(text[exponent]))
		{
			int			digits;

			token->kind = TOKEN_DECIMAL;
			parser->next = exponent;
			skip_digits(parser);
			digits = parser->next - exponent;
			if (digits > 3)
				pgwf_filter_error(text, token->position, NULL,
								  "number out of range");
		}
	}
	if (is_name_start(text[parser->next]) || text[parser->next] == '.')
		pgwf_filter_error(text, token->position,
						  "Strings stand in quotes.",
						  "invalid number");
	token->text = pnstrdup(text + token->position,
						   parser->next - token->position);
	if (strlen(token->text) > 400)
		pgwf_filter_error(text, token->position, NULL,
						  "number out of range");
}

static void
read_operator(Parser *parser, Token *token)
{
	const char *c = parser->text + token->position;

	token->kind = TOKEN_OPERATOR;
	parser->next = token->position + 2;
	if (strncmp(c, "!=", 2) == 0 || strncmp(c, "<>", 2) == 0)
		token->operator = PGWF_FILTER_NE;
	else if (strncmp(c, "<=", 2) == 0)
		token->operator = PGWF_FILTER_LE;
	else if (strncmp(c, ">=", 2) == 0)
		token->operator = PGWF_FILTER_GE;
	else
	{
		parser->next = token->position + 1;
		token->operator = *c == '=' ? PGWF_FILTER_EQ :
			*c == '<' ? PGWF_FILTER_LT : PGWF_FILTER_GT;
	}
}

/* Goes on to the next token */
static void
advance(Parser *parser)
{
	const char *text = parser->text;
	Token	   *token = &parser->token;
	char		c;

	CHECK_FOR_INTERRUPTS();
	while (text[parser->next] == ' ' || text[parser->next] == '\t' ||
		   text[parser->next] == '\n' || text[parser->next] == '\r')
		parser->next++;
	memset(token, 0, sizeof(Token));
	token->position = parser->next;
	c = text[parser->next];

	if (parser->next >= parser->length)
		token->kind = TOKEN_END;
	else if (is_name_start(c))
	{
		token->kind = TOKEN_NAME;
		while (is_name_start(text[parser->next]) ||
			   is_digit(text[parser->next]))
			parser->next++;
		token->text = pnstrdup(text + token->position,
							   parser->next - token->position);
	}
	else if (c == '\'' || c == '"' || c == '`')
		read_quoted(parser, token);
	else if (is_digit(c) ||
			 ((c == '-' || c == '+' || c == '.') &&
			  (is_digit(text[parser->next + 1]) ||
			   (c != '.' && text[parser->next + 1] == '.' &&
				is_digit(text[parser->next + 2])))))
		read_number(parser, token);
	else if (c == '=' || c == '<' || c == '>' ||
			 (c == '!' && text[parser->next + 1] == '='))
		read_operator(parser, token);
	else if (c == '(' || c == ')' || c == ',' || c == '*')
	{
		token->kind = c == '(' ? TOKEN_OPEN : c == ')' ? TOKEN_CLOSE :
			c == ',' ? TOKEN_COMMA : TOKEN_STAR;
		parser->next++;
	}
	else
		pgwf_filter_error(text, parser->next, NULL,
						  "unexpected character \"%s\"",
						  pnstrdup(text + parser->next,
								   char_length(parser, parser->next)));
	token->length = parser->next - token->position;
}

/* Is the token this word? */
static bool
is_word(const Parser *parser, const char *word)
{
	return parser->token.kind == TOKEN_NAME && !parser->token.quoted &&
		pg_strcasecmp(parser->token.text, word) == 0;
}

static bool
accept_word(Parser *parser, const char *word)
{
	if (!is_word(parser, word))
		return false;
	advance(parser);
	return true;
}

/* Refuses the token; "expected" says what should stand there */
static void
unexpected(const Parser *parser, const char *expected, const char *hint)
{
	const Token *token = &parser->token;
	const char *start = parser->text + token->position;
	int			shown = pg_mbcliplen(start, token->length, SHOWN_LENGTH);

	if (token->kind == TOKEN_END)
		pgwf_filter_error(parser->text, token->position, hint,
						  "%s expected at its end", expected);
	pgwf_filter_error(parser->text, token->position, hint,
					  "%s expected, not %s%s", expected,
					  pnstrdup(start, shown),
					  shown < token->length ? "..." : "");
}

static void
expect(Parser *parser, TokenKind kind, const char *expected)
{
	if (parser->token.kind != kind)
		unexpected(parser, expected, NULL);
	advance(parser);
}

/* What the language lacks, and people may try */
static void
refuse_clauses(const Parser *parser)
{
	int			position = parser->token.position;

	if (is_word(parser, "ORDER"))
		pgwf_filter_error(parser->text, position,
						  "Open runs come first, the latest first; then closed ones, the last closed first.",
						  "ORDER BY is not supported");
	if (is_word(parser, "LIMIT") || is_word(parser, "OFFSET"))
		pgwf_filter_error(parser->text, position,
						  "Use page_size and next_page_token.",
						  "%s is not supported",
						  pg_strcasecmp(parser->token.text, "LIMIT") == 0 ?
						  "LIMIT" : "OFFSET");
}

/*
 * Grammar
 */

static char *
parse_name(Parser *parser)
{
	char	   *name = parser->token.text;

	if (parser->token.kind == TOKEN_STRING)
		unexpected(parser, "name of a search attribute",
				   "Names stand in backticks or without quotes.");
	refuse_clauses(parser);
	if (parser->token.kind != TOKEN_NAME)
		unexpected(parser, "name of a search attribute", NULL);
	if (!parser->token.quoted)
	{
		for (int i = 0; i < lengthof(reserved_words); i++)
		{
			if (pg_strcasecmp(name, reserved_words[i]) == 0)
				unexpected(parser, "name of a search attribute", NULL);
		}
	}
	advance(parser);
	if (parser->token.kind == TOKEN_OPEN)
		pgwf_filter_error(parser->text, parser->token.position, NULL,
						  "functions are not supported");
	return name;
}

static PgwfFilterValue *
parse_value(Parser *parser)
{
	const Token *token = &parser->token;
	PgwfFilterValue *value = palloc0(sizeof(PgwfFilterValue));

	value->position = token->position;
	value->text = token->text;
	if (token->kind == TOKEN_STRING)
		value->kind = PGWF_FILTER_STRING;
	else if (token->kind == TOKEN_INTEGER)
		value->kind = PGWF_FILTER_INTEGER;
	else if (token->kind == TOKEN_DECIMAL)
		value->kind = PGWF_FILTER_DECIMAL;
	else if (is_word(parser, "TRUE") || is_word(parser, "FALSE"))
	{
		value->kind = PGWF_FILTER_BOOL;
		value->text = pg_strcasecmp(token->text, "TRUE") == 0 ? "true" :
			"false";
	}
	else if (is_word(parser, "NULL"))
		unexpected(parser, "value", "Use IS NULL or IS NOT NULL.");
	else if (token->kind == TOKEN_NAME)
		unexpected(parser, "value",
				   "Strings stand in quotes; a search attribute cannot be compared with another.");
	else
		unexpected(parser, "value", NULL);
	advance(parser);
	return value;
}

static void
parse_value_list(Parser *parser, PgwfFilterNode *node)
{
	expect(parser, TOKEN_OPEN, "\"(\"");
	for (;;)
	{
		node->values = lappend(node->values, parse_value(parser));
		if (parser->token.kind != TOKEN_COMMA)
			break;
		advance(parser);
	}
	expect(parser, TOKEN_CLOSE, "\",\" or \")\"");
}

static PgwfFilterNode *
parse_comparison(Parser *parser)
{
	PgwfFilterNode *node = palloc0(sizeof(PgwfFilterNode));
	bool		negated = false;

	if (++parser->comparisons > PGWF_FILTER_MAX_COMPARISONS)
		pgwf_filter_error(parser->text, parser->token.position, NULL,
						  "too many comparisons; the limit is %d",
						  PGWF_FILTER_MAX_COMPARISONS);
	node->kind = PGWF_FILTER_COMPARE;
	node->name_position = parser->token.position;
	node->name = parse_name(parser);
	node->operator_position = parser->token.position;

	if (parser->token.kind == TOKEN_OPERATOR)
	{
		node->operator = parser->token.operator;
		advance(parser);
		node->values = list_make1(parse_value(parser));
		return node;
	}
	if (accept_word(parser, "IS"))
	{
		node->operator = accept_word(parser, "NOT") ?
			PGWF_FILTER_IS_NOT_NULL : PGWF_FILTER_IS_NULL;
		if (!accept_word(parser, "NULL"))
			unexpected(parser, "NULL", NULL);
		return node;
	}

	negated = accept_word(parser, "NOT");
	if (accept_word(parser, "IN"))
	{
		node->operator = negated ? PGWF_FILTER_NOT_IN : PGWF_FILTER_IN;
		parse_value_list(parser, node);
	}
	else if (accept_word(parser, "STARTS_WITH"))
	{
		node->operator = negated ? PGWF_FILTER_NOT_STARTS_WITH :
			PGWF_FILTER_STARTS_WITH;
		node->values = list_make1(parse_value(parser));
	}
	else if (accept_word(parser, "BETWEEN"))
	{
		node->operator = negated ? PGWF_FILTER_NOT_BETWEEN :
			PGWF_FILTER_BETWEEN;
		node->values = list_make1(parse_value(parser));
		if (!accept_word(parser, "AND"))
			unexpected(parser, "AND", NULL);
		node->values = lappend(node->values, parse_value(parser));
	}
	else if (is_word(parser, "LIKE"))
		pgwf_filter_error(parser->text, parser->token.position,
						  "Use STARTS_WITH, or = on a search attribute of type Text.",
						  "LIKE is not supported");
	else
		unexpected(parser, "operator", NULL);
	return node;
}

static void
go_deeper(Parser *parser)
{
	check_stack_depth();
	if (++parser->depth > PGWF_FILTER_MAX_DEPTH)
		pgwf_filter_error(parser->text, parser->token.position, NULL,
						  "nested too deeply; the limit is %d",
						  PGWF_FILTER_MAX_DEPTH);
}

static PgwfFilterNode *
parse_not(Parser *parser)
{
	PgwfFilterNode *node;

	if (is_word(parser, "NOT"))
	{
		go_deeper(parser);
		advance(parser);
		node = palloc0(sizeof(PgwfFilterNode));
		node->kind = PGWF_FILTER_NOT;
		node->args = list_make1(parse_not(parser));
		parser->depth--;
		return node;
	}
	if (parser->token.kind == TOKEN_OPEN)
	{
		go_deeper(parser);
		advance(parser);
		node = parse_or(parser);
		refuse_clauses(parser);
		expect(parser, TOKEN_CLOSE, "AND, OR or \")\"");
		parser->depth--;
		return node;
	}
	return parse_comparison(parser);
}

/* A list of one is that one */
static PgwfFilterNode *
make_list(PgwfFilterNodeKind kind, List *args)
{
	PgwfFilterNode *node;

	if (list_length(args) == 1)
		return linitial(args);
	node = palloc0(sizeof(PgwfFilterNode));
	node->kind = kind;
	node->args = args;
	return node;
}

static PgwfFilterNode *
parse_and(Parser *parser)
{
	List	   *args = list_make1(parse_not(parser));

	while (accept_word(parser, "AND"))
		args = lappend(args, parse_not(parser));
	return make_list(PGWF_FILTER_AND, args);
}

static PgwfFilterNode *
parse_or(Parser *parser)
{
	List	   *args = list_make1(parse_and(parser));

	while (accept_word(parser, "OR"))
		args = lappend(args, parse_and(parser));
	return make_list(PGWF_FILTER_OR, args);
}

static void
parse_group_by(Parser *parser, PgwfFilterTree *tree)
{
	if (!accept_word(parser, "BY"))
		unexpected(parser, "BY", NULL);
	tree->group_by_position = parser->token.position;
	tree->group_by = parse_name(parser);
	if (parser->token.kind == TOKEN_COMMA)
		pgwf_filter_error(parser->text, parser->token.position, NULL,
						  "GROUP BY takes one name only");
}

/* The tree of a filter; an empty text stands for every run */
PgwfFilterTree *
pgwf_filter_parse(const char *text)
{
	PgwfFilterTree *tree = palloc0(sizeof(PgwfFilterTree));
	Parser		parser = {0};

	parser.text = text;
	parser.length = strlen(text);
	if (parser.length > PGWF_FILTER_MAX_LENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("query exceeds length limit"),
				 errdetail("It is %d bytes long, the limit is %d.",
						   parser.length, PGWF_FILTER_MAX_LENGTH)));
	tree->text = text;
	advance(&parser);
	if (parser.token.kind != TOKEN_END && !is_word(&parser, "GROUP"))
		tree->condition = parse_or(&parser);
	if (accept_word(&parser, "GROUP"))
		parse_group_by(&parser, tree);
	refuse_clauses(&parser);
	if (parser.token.kind != TOKEN_END)
		unexpected(&parser, tree->group_by ? "end of the query" :
				   "AND, OR or the end of the query", NULL);
	return tree;
}
