#!/bin/sh
# Turn a text file into a C string: embed.sh OUT.c HEADER NAME FILE.  It becomes `const char NAME[]`, which HEADER declares.
set -eu

out=$1 header=$2 name=$3 file=$4
{
	echo '/* Made by src/cli/embed.sh. */'
	printf '#include "%s"\n\nconst char %s[] =\n' "$header" "$name"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/\t"/' -e 's/$/\\n"/' "$file"
	echo '	;'
} >"$out.tmp"
mv "$out.tmp" "$out"
