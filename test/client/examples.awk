# Makes a C file of the C examples of a document, for the compiler to check.
#
# Functions are taken as they are.  Statements get a function around them that
# knows what the document speaks of.

BEGIN {
	print "#include <assert.h>"
	print "#include <string.h>"
	print "#include <pgworkflow.h>"
	print "#include <pgworkflow/testing.h>"
	print "extern json_t *greet(PgwfWorkflow *, json_t *, PgwfFailure **);"
	print "extern json_t *compose(PgwfActivity *, json_t *, PgwfFailure **);"
	print "extern json_t *mock_charge(PgwfActivity *, json_t *,"
	print "	PgwfFailure **);"
}

/^```c$/ {
	inside = 1
	functions = 0
	code = ""
	next
}

/^```$/ && inside {
	if (!functions) {
		arguments = "(PgwfWorkflow *wf, json_t *input," \
			" PgwfFailure **failure, PgwfActivity *activity, int order," \
			" PgwfRegistry *registry, PgwfWorker *worker," \
			" PgwfResult result, PgwfClient *client, char *error)"
		printf "void statements%d%s;\n", ++n, arguments
		printf "void statements%d%s\n{\n", n, arguments
	}
	printf "%s", code
	if (!functions)
		print "}"
	inside = 0
	next
}

inside {
	if (/^\{/)
		functions = 1
	code = code sprintf("#line %d \"%s\"\n%s\n", FNR, FILENAME, $0)
}
