/*-------------------------------------------------------------------------
 *
 * pg_workflow.h
 *		What every part of the module may ask of its start-up.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_WORKFLOW_H
#define PG_WORKFLOW_H

extern void pgwf_require_preloaded(void);

#endif							/* PG_WORKFLOW_H */
