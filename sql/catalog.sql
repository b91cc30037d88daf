--
-- What must hold of every object of the extension.  A list that is meant to
-- be empty is; the others name the exceptions there are, so that a new one
-- is seen.
--
CREATE TEMP VIEW member AS
SELECT d.classid, d.objid
FROM pg_depend AS d
JOIN pg_extension AS e ON e.oid = d.refobjid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
    AND e.extname = 'pg_workflow';
CREATE TEMP VIEW routine AS
SELECT p.*, l.lanname
FROM pg_proc AS p
JOIN member AS m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
JOIN pg_language AS l ON l.oid = p.prolang;
CREATE TEMP VIEW relation AS
SELECT c.*
FROM pg_class AS c
JOIN member AS m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid;

-- everything is in the schema, and everything in the schema is a member
SELECT classid::regclass, pg_describe_object(classid, objid, 0)
FROM member
WHERE pg_describe_object(classid, objid, 0) !~ 'workflow'
ORDER BY 2;
SELECT pg_describe_object(classid, objid, 0) FROM (
    SELECT 'pg_proc'::regclass::oid AS classid, oid AS objid FROM pg_proc
    WHERE pronamespace = 'workflow'::regnamespace
    UNION ALL
    SELECT 'pg_class'::regclass, oid FROM pg_class
    WHERE relnamespace = 'workflow'::regnamespace AND relkind IN ('r', 'v', 'S', 'm', 'f')
    EXCEPT
    SELECT classid, objid FROM member) AS other
ORDER BY 1;

-- nothing runs with its owner's rights, nothing sets parameters
SELECT proname FROM routine
WHERE prosecdef OR proconfig IS NOT NULL ORDER BY 1;

-- nothing is granted to PUBLIC, nor to any role at installation
SELECT proname, proacl FROM routine AS r
WHERE proacl IS NULL OR EXISTS (
    SELECT FROM aclexplode(r.proacl) AS a WHERE a.grantee <> r.proowner)
ORDER BY 1;
SELECT relname, relacl FROM relation AS r
WHERE relacl IS NULL OR EXISTS (
    SELECT FROM aclexplode(r.relacl) AS a WHERE a.grantee <> r.relowner)
ORDER BY 1;
SELECT nspname, nspacl FROM pg_namespace AS n
WHERE nspname = 'workflow' AND (nspacl IS NULL OR EXISTS (
    SELECT FROM aclexplode(n.nspacl) AS a WHERE a.grantee <> n.nspowner));
SELECT typname, typacl FROM pg_type AS t
WHERE typnamespace = 'workflow'::regnamespace AND typtype IN ('e', 'd', 'r')
    AND (typacl IS NULL OR EXISTS (
        SELECT FROM aclexplode(t.typacl) AS a WHERE a.grantee <> t.typowner))
ORDER BY 1;

-- pg_dump takes the rows of every table and the state of every sequence
SELECT relname FROM relation
WHERE relkind IN ('r', 'S') AND relpersistence = 'p'
    AND oid <> ALL (SELECT unnest(extconfig) FROM pg_extension
        WHERE extname = 'pg_workflow')
ORDER BY 1;

-- everything has a comment: routines, relations, types, columns of views
SELECT oid::regprocedure FROM routine
WHERE obj_description(oid, 'pg_proc') IS NULL ORDER BY 1::text;
SELECT relname FROM relation
WHERE relkind <> 'c' AND obj_description(oid, 'pg_class') IS NULL ORDER BY 1;
SELECT typname FROM pg_type
WHERE typnamespace = 'workflow'::regnamespace AND typtype IN ('e', 'd', 'r')
    AND obj_description(oid, 'pg_type') IS NULL
ORDER BY 1;
SELECT obj_description('workflow'::regnamespace, 'pg_namespace') IS NOT NULL AS schema_has_comment;
SELECT r.relname, a.attname FROM relation AS r
JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0
WHERE r.relkind = 'v' AND col_description(r.oid, a.attnum) IS NULL
ORDER BY 1, a.attnum;

-- every function and view says which right opens it, and nothing else does
SELECT proname FROM routine
WHERE proname NOT IN (SELECT object_name FROM workflow.object_rights
    WHERE object_kind = 'routine')
ORDER BY 1;
SELECT relname FROM relation
WHERE relkind = 'v' AND relname NOT IN (
    SELECT object_name FROM workflow.object_rights WHERE object_kind = 'view')
ORDER BY 1;
SELECT object_kind, object_name FROM workflow.object_rights AS o
WHERE NOT EXISTS (SELECT FROM routine
        WHERE proname = o.object_name AND o.object_kind = 'routine')
    AND NOT EXISTS (SELECT FROM relation
        WHERE relname = o.object_name AND relkind = 'v'
            AND o.object_kind = 'view')
    OR object_right NOT IN ('read', 'client', 'worker', 'admin', 'owner')
ORDER BY 1, 2;
SELECT object_kind, object_name FROM workflow.object_rights
GROUP BY 1, 2 HAVING count(*) > 1;

-- views that others than the owner may read are security barriers
SELECT relname FROM relation
WHERE relkind = 'v' AND relname NOT IN (
        SELECT object_name FROM workflow.object_rights
        WHERE object_kind = 'view' AND object_right = 'owner')
    AND NOT coalesce('security_barrier=true' = ANY (reloptions), false)
ORDER BY 1;

-- all code is C
SELECT proname, lanname FROM routine WHERE lanname <> 'c' ORDER BY 1;

-- safe in parallel workers
SELECT proname FROM routine WHERE proparallel = 's' ORDER BY 1;

-- not strict: each of them looks at its nulls itself
SELECT proname FROM routine
WHERE NOT proisstrict AND prokind = 'f' AND pronargs > 0 ORDER BY 1;

-- immutable
SELECT proname FROM routine WHERE provolatile = 'i' ORDER BY 1;

-- every key of a table leads with namespace_id, and no table refers to
-- another
SELECT c.conrelid::regclass, c.conname FROM pg_constraint AS c
JOIN relation AS r ON r.oid = c.conrelid
WHERE c.contype IN ('p', 'u', 'x') AND c.conkey[1] <> (
    SELECT attnum FROM pg_attribute
    WHERE attrelid = r.oid AND attname = 'namespace_id')
ORDER BY 2;
SELECT c.conname FROM pg_constraint AS c
JOIN relation AS r ON r.oid = c.conrelid WHERE c.contype = 'f' ORDER BY 1;
SELECT relname FROM relation AS r
WHERE relkind = 'r' AND NOT EXISTS (
    SELECT FROM pg_constraint WHERE conrelid = r.oid AND contype = 'p')
ORDER BY 1;

-- constraints, indexes and triggers are named by hand
SELECT conname FROM pg_constraint AS c JOIN relation AS r ON r.oid = c.conrelid
WHERE conname ~ '\d$' ORDER BY 1;
