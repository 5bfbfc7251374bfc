#!/bin/sh
# Runs a server for as long as somebody holds the other end of its standard input, which the death of a process lets go
# however it died; then ends the server and removes its folder.
# usage: guard.sh <folder> <server program> <arguments…>
folder=$1
shift

"$@" </dev/null >>"$folder/log" 2>&1 &
server=$!
echo "$server"
exec 1>&-

cat >/dev/null

# A server that somebody stopped does not hear the order to quit.
kill -CONT "$server" 2>/dev/null
kill -QUIT "$server" 2>/dev/null
wait "$server"

# Sessions outlive a server that was killed, each in a process group of its own: they are known by where they work.
left() {
  for process in /proc/[0-9]*; do
    case $(readlink "$process/cwd" 2>/dev/null) in
    "$folder"/data*) echo "${process#/proc/}" ;;
    esac
  done
}
for process in $(left); do kill -KILL "$process" 2>/dev/null; done
tries=0
while [ -n "$(left)" ] && [ $tries -lt 100 ]; do
  sleep 0.05
  tries=$((tries + 1))
done

# What a killed server could not take back: its piece of System V memory, named in the seventh line.
memory=$(sed -n '7s/^ *[0-9]* *\([0-9]*\).*/\1/p' "$folder/data/postmaster.pid" 2>/dev/null)
if [ -n "$memory" ]; then ipcrm -m "$memory" 2>/dev/null; fi

cd /
rm -rf "$folder"
