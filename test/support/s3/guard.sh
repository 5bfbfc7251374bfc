#!/bin/sh
# Runs a program for as long as somebody holds the other end of its standard input, which the death of a process lets
# go however it died; then ends the program at once, since all it has is in memory. The last one removes the folder.
# usage: guard.sh <folder> <name> <program> <arguments…>
folder=$1
name=$2
shift 2

: >"$folder/$name.guard"
# In a process group of its own, because it may be a shell that starts the program again.
setsid "$@" </dev/null >>"$folder/$name.log" 2>&1 &
program=$!
cat >/dev/null

kill -KILL "-$program" 2>/dev/null
wait "$program" 2>/dev/null
rm -f "$folder/$name.guard"
cd /
for other in "$folder"/*.guard; do
  if [ -e "$other" ]; then exit 0; fi
done
rm -rf "$folder"
