#!/bin/sh
# Installs Zhiyin's packages into a new environment: install.sh CODE ENVIRONMENT
#
# CODE holds pyproject.toml, constraints.txt and the program, and stays where it is. PYTHON is the interpreter (python3).
# TORCH_INDEX is an index of CPU builds of torch (PyTorch's own by default); empty: pip's own indexes have them.
set -eu
code=$1 environment=$2
: "${PYTHON:=python3}" "${TORCH_INDEX=https://download.pytorch.org/whl/cpu}"

"$PYTHON" -m venv "$environment"
pip() { "$environment/bin/python" -m pip "$@"; }
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR="${PIP_NO_CACHE_DIR:-1}"
if [ -n "$TORCH_INDEX" ]; then # first, and from there alone: the usual index's build carries CUDA and several GB
    pip install -q --index-url "$TORCH_INDEX" "$(grep '^torch==' "$code/constraints.txt")"
fi
pip install -q -c "$code/constraints.txt" -e "$code[server,postgres,private]"
pip check
# Whoever runs it may write neither here nor there. Some packages hold files for other versions of Python.
"$environment/bin/python" -m compileall -qq -j 0 "$environment/lib" || true
"$environment/bin/python" -m compileall -q "$code/app.py" "$code/chatbot" "$code/prompts" "$code/retrieval"
