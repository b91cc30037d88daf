/*
 * Namespaces and the rights in them.
 */

CREATE FUNCTION workflow.namespace_changed()
RETURNS trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'pgwf_namespace_changed';

COMMENT ON FUNCTION workflow.namespace_changed() IS
'makes all backends forget what they know of namespaces and rights';

CREATE TRIGGER namespace_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON workflow.namespace
    FOR EACH STATEMENT EXECUTE FUNCTION workflow.namespace_changed();
ALTER TABLE workflow.namespace ENABLE ALWAYS TRIGGER namespace_changed;

CREATE TRIGGER namespace_role_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON workflow.namespace_role
    FOR EACH STATEMENT EXECUTE FUNCTION workflow.namespace_changed();
ALTER TABLE workflow.namespace_role
    ENABLE ALWAYS TRIGGER namespace_role_changed;

CREATE FUNCTION workflow.namespace_restored()
RETURNS trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'pgwf_namespace_restored';

COMMENT ON FUNCTION workflow.namespace_restored() IS
'lets the restore of a dump bring the default namespace as it was';

CREATE TRIGGER namespace_restored
    BEFORE INSERT ON workflow.namespace
    FOR EACH ROW WHEN (NEW.namespace_id = 1)
    EXECUTE FUNCTION workflow.namespace_restored();

CREATE FUNCTION workflow.namespace_readable(namespace_id integer)
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 10
AS 'MODULE_PATHNAME', 'pgwf_namespace_readable';

COMMENT ON FUNCTION workflow.namespace_readable(integer) IS
'whether the current user may read in a namespace; the views ask it';

CREATE FUNCTION workflow.register_namespace(
    namespace text,
    retention interval DEFAULT '72 hours',
    description text DEFAULT '',
    virtual_time boolean DEFAULT false)
RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_register_namespace';

COMMENT ON FUNCTION workflow.register_namespace(text, interval, text, boolean) IS
'makes a namespace; for the owner of the extension and superusers';

CREATE FUNCTION workflow.update_namespace(
    namespace text,
    retention interval DEFAULT NULL,
    description text DEFAULT NULL)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_update_namespace';

COMMENT ON FUNCTION workflow.update_namespace(text, interval, text) IS
'changes the retention or the description of a namespace; null leaves it as it is';

CREATE FUNCTION workflow.delete_namespace(
    namespace text)
RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_delete_namespace';

COMMENT ON FUNCTION workflow.delete_namespace(text) IS
'deletes a namespace with all its runs, in the background; for the owner of the extension and superusers';

CREATE FUNCTION workflow.describe_namespace(
    namespace text DEFAULT 'default')
RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'pgwf_describe_namespace';

COMMENT ON FUNCTION workflow.describe_namespace(text) IS
'describes a namespace as a DescribeNamespaceResponse';

CREATE FUNCTION workflow.grant_namespace(
    namespace text,
    grantee regrole,
    rights text[])
RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_grant_namespace';

COMMENT ON FUNCTION workflow.grant_namespace(text, regrole, text[]) IS
'gives a role, and all its members, rights in a namespace: read, client, worker, admin';

CREATE FUNCTION workflow.revoke_namespace(
    namespace text,
    grantee regrole,
    rights text[])
RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_revoke_namespace';

COMMENT ON FUNCTION workflow.revoke_namespace(text, regrole, text[]) IS
'takes rights in a namespace away from a role';

CREATE FUNCTION workflow.refresh_grants()
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_refresh_grants';

COMMENT ON FUNCTION workflow.refresh_grants() IS
'brings the privileges of all roles in line with their rights in namespaces, after an update or a restore without privileges';
