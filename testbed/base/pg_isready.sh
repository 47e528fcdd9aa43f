#!/bin/sh
# Asks the database on its port whether it speaks TLS (SSLRequest of the protocol): one that is ready says N.
[ "$(printf '\000\000\000\010\004\322\026\057' | timeout 2 nc 127.0.0.1 5432 | head -c 1)" = N ] && echo "accepting connections"
