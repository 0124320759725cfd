#!/bin/sh
# Turn SQL files into C strings: embed.sh OUT.c HEADER FILE.sql…
# Each becomes `const char schema_<name>[]`, which HEADER declares.
set -eu

out=$1
header=$2
shift 2
{
	echo '/* Made by src/store/schema/embed.sh. */'
	echo "#include \"$header\""
	for file in "$@"; do
		name=$(basename "$file" .sql)
		printf '\nconst char schema_%s[] =\n' "$name"
		sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/\t"/' -e 's/$/\\n"/' "$file"
		echo '	;'
	done
} >"$out.tmp"
mv "$out.tmp" "$out"
