# Makes a C file of the C examples of a document, for the compiler to check.
#
# Functions are taken as they are.  A part of a function, which begins with a
# tab, gets a function around it that knows what the document speaks of.

BEGIN {
	print "#include <string.h>"
	print "#include <pgworkflow.h>"
	print "extern json_t *greet(PgwfWorkflow *, json_t *, PgwfFailure **);"
	print "extern json_t *compose(PgwfActivity *, json_t *, PgwfFailure **);"
}

/^```c$/ {
	inside = 1
	first = 1
	next
}

/^```$/ && inside {
	if (part)
		print "}"
	inside = 0
	part = 0
	next
}

inside {
	if (first && /^\t/) {
		part = 1
		printf "void part%d(PgwfWorkflow *wf, json_t *input,\n", ++n
		print "PgwfFailure **failure, PgwfActivity *activity, int order,"
		print "PgwfRegistry *registry, PgwfWorker *worker, PgwfResult result,"
		print "PgwfClient *client, char *error);"
		printf "void part%d(PgwfWorkflow *wf, json_t *input,\n", n
		print "PgwfFailure **failure, PgwfActivity *activity, int order,"
		print "PgwfRegistry *registry, PgwfWorker *worker, PgwfResult result,"
		print "PgwfClient *client, char *error)"
		print "{"
	}
	first = 0
	printf "#line %d \"%s\"\n%s\n", FNR, FILENAME, $0
}
