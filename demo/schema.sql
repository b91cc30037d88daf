/*
 * The table of the demo's activities.  It has no unique index: that there is
 * one bill an order is the work of the workflow, and is to be seen.
 */
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS pizza_demo CASCADE;
CREATE SCHEMA pizza_demo;

CREATE TABLE pizza_demo.bill (
    number text NOT NULL,
    workflow_id text NOT NULL,
    order_id bigint NOT NULL,
    customer text NOT NULL,
    total_cents bigint NOT NULL
);
