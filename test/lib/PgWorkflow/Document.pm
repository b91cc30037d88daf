
=head1 NAME

PgWorkflow::Document - examples in documents, run and compared

=head1 SYNOPSIS

	use PgWorkflow::Document;

	my @examples = read_examples($path);
	run_examples($psql, \@examples);
	foreach my $example (@examples)
	{
		is(masked($example->{got}), masked($example->{shown}), ...);
	}
	update_examples($path, \@examples);

=head1 DESCRIPTION

An example is what is typed into psql, and what psql prints.  It is either a
block "```sql" with a block "```text" right after it, or a line that begins
with the prompt "=> " in a block of its own, with the lines up to the next
prompt.  One that shows no output is only run.

=cut

package PgWorkflow::Document;

use strict;
use warnings;

use Exporter qw(import);
use IPC::Run;

our @EXPORT = qw(
  read_document read_examples run_examples update_examples masked
  sections tables
);

=pod

=over

=item read_document($path)

The document as text.

=cut

sub read_document
{
	my ($path) = @_;

	open(my $fh, '<:encoding(UTF-8)', $path) or die "$path: $!";
	local $/;
	my $text = <$fh>;
	close($fh);
	return $text;
}

=pod

=item read_examples($path)

The examples of a document, in their order: hashes of line, input, shown
(undefined if nothing is), and where in the text that stands.

=cut

sub read_examples
{
	my ($path) = @_;
	my $text = read_document($path);
	my @examples;

	while ($text =~ /^( *)```([^\n]*)\n(.*?)^\1```\n/gms)
	{
		my ($indent, $language, $body, $start) = ($1, $2, $3, $-[3]);
		my $line = 1 + (substr($text, 0, $start) =~ tr/\n//);

		$body =~ s/^$indent//gm;
		if ($language eq 'sql')
		{
			my $example = { line => $line, input => $body };

			if ($text =~ /\G\n*```text\n(.*?)^```\n/gcms)
			{
				$example->{shown} = $1;
				$example->{start} = $-[1];
			}
			push @examples, $example;
		}
		elsif ($language eq '' && $body =~ /^=> /m)
		{
			push @examples, prompts($body, $line);
		}
	}
	return @examples;
}

# What follows each prompt of a block, up to its semicolon or \gset, and the
# output that follows that.
sub prompts
{
	my ($body, $first_line) = @_;
	my @examples;
	my $complete = 1;
	my $line = $first_line;

	foreach my $text (split(/\n/, $body))
	{
		if ($text =~ s/^=> //)
		{
			push @examples, { line => $line, input => '' };
			$complete = 0;
		}
		if (@examples && !$complete)
		{
			$examples[-1]{input} .= "$text\n";
			$complete = $text =~ /(;|\\gset)\s*$/;
		}
		elsif (@examples && $text ne '')
		{
			$examples[-1]{shown} = '' unless defined $examples[-1]{shown};
			$examples[-1]{shown} .= "$text\n";
		}
		$line++;
	}
	return @examples;
}

=pod

=item run_examples($psql, $examples)

Runs all of them in one psql, whose command line is given, and notes what each
prints.

=cut

sub run_examples
{
	my ($psql, $examples) = @_;
	my $script = '';
	my $output;

	foreach my $i (0 .. $#{$examples})
	{
		$script .= "\\echo == example $i\n" . $examples->[$i]{input};
	}
	IPC::Run::run([ @$psql, '-X', '-q', '-f', '-' ],
		'<', \$script, '>&', \$output);
	$output =~ s/^psql:<stdin>:\d+: //mg;
	while ($output =~ /^== example (\d+)\n(.*?)(?=^== example |\z)/gms)
	{
		$examples->[$1]{got} = $2;
	}
	return;
}

=pod

=item masked($text)

The text without what differs from run to run: ids, times, the width of
columns.

=cut

sub masked
{
	my ($text) = @_;

	return '' unless defined $text;
	$text =~ s/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/<uuid>/g;
	$text =~ s/\b[0-9a-f]{4,8}\x{2026}/<uuid>/g;
	$text =~
	  s/\b20\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:\d\d)?)?/<time>/g;
	$text =~ s/[ \t]+/ /g;
	$text =~ s/^[-+ ]*--[-+ ]*$/--/mg;
	$text =~ s/^ //mg;
	$text =~ s/ $//mg;
	$text =~ s/\s*\n+\s*/\n/g;
	$text =~ s/\A\s+//;
	$text =~ s/\s+\z//;
	return $text;
}

=pod

=item update_examples($path, $examples)

Writes what was printed into the document, where it shows something else.
Only for blocks; prompts are for people to edit.

=cut

sub update_examples
{
	my ($path, $examples) = @_;
	my $text = read_document($path);

	foreach my $example (reverse @$examples)
	{
		next unless defined $example->{start};
		next if masked($example->{got}) eq masked($example->{shown});
		my $new = $example->{got};
		$new =~ s/[ \t]+$//mg;
		$new =~ s/\n+\z/\n/;
		substr($text, $example->{start}, length($example->{shown})) = $new;
	}
	open(my $fh, '>:encoding(UTF-8)', $path) or die "$path: $!";
	print $fh $text;
	close($fh) or die "$path: $!";
	return;
}

=pod

=item sections($text)

The sections whose heading is a name in backquotes: name to text.  A heading
may have several names.

=cut

sub sections
{
	my ($text) = @_;
	my %sections;

	while ($text =~ /^### (`[^\n]*`)\n(.*?)(?=^##? |^### |\z)/gms)
	{
		my ($names, $body) = ($1, $2);

		$sections{$_} = $body foreach $names =~ /`([^`]+)`/g;
	}
	return %sections;
}

=pod

=item tables($text, $heading)

The rows of the tables whose first column has that heading: lists of cells,
without backquotes.

=cut

sub tables
{
	my ($text, $heading) = @_;
	my @rows;

	while ($text =~ /^\| \Q$heading\E \|[^\n]*\n\|[-|]+\n((?:\|[^\n]*\n)*)/gms)
	{
		foreach my $row (split(/\n/, $1))
		{
			my @cells = $row =~ /\G\| ?((?:\\\||[^|])*?) ?(?=\|)/g;

			s/`//g foreach @cells;
			push @rows, \@cells;
		}
	}
	return @rows;
}

=pod

=back

=cut

1;
