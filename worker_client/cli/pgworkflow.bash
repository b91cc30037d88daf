# Completion of pgworkflow for bash.  The command itself knows what may come
# next.

_pgworkflow()
{
	local IFS=$'\n'

	mapfile -t COMPREPLY < <(pgworkflow __complete \
		"${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null)
}

complete -o default -F _pgworkflow pgworkflow
