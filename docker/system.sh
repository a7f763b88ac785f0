#!/bin/sh
# Prepares a Debian system for Zhiyin, as root: system.sh USER_ID FOLDER...
#
# The only package that the environment does not bring is OpenMP's library (torch, LightGBM and llama.cpp use it). The user has
# a fixed number, so that volumes keep their owner from one image to the next.
set -eu
user=$1
shift

if ! ldconfig -p | grep -q 'libgomp\.so\.1'; then
    apt-get update -q
    apt-get install -q -y --no-install-recommends libgomp1
    rm -rf /var/lib/apt/lists/*
fi
for folder in "$@"; do # a volume that is mounted there for the first time takes the owner over
    mkdir -p "$folder"
    chown "$user:$user" "$folder"
    chmod 755 "$folder"
done
