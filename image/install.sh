#!/bin/sh
# Installs what the project needs into /opt/venv, less what nobody runs: image/install.sh TENSORFLOW
set -eu
tensorflow=$1 venv=/opt/venv

# The secrets that image/build.sh hands over, if any.
if [ -e /run/secrets/registries ]; then . /run/secrets/registries; fi
if [ -e /run/secrets/certificates ]; then
    export SSL_CERT_FILE=/run/secrets/certificates PIP_CERT=/run/secrets/certificates
fi

python3 -m venv /opt/installer
grep '^uv==' constraints.txt | /opt/installer/bin/pip install -q --no-cache-dir -r /dev/stdin
python3 -m venv --without-pip "$venv"

# The libraries ask for `tensorflow` by name; `tensorflow-cpu` is the same version of the same code.
echo "tensorflow ; python_version < '3'" > /tmp/overrides.txt
version=$(sed -n 's/^tensorflow==//p' constraints.txt)
# The project itself is a path that Python is told of, so that it may come later, as another layer.
VIRTUAL_ENV=$venv /opt/installer/bin/uv pip install -q --no-cache --link-mode copy \
    -c constraints.txt --override /tmp/overrides.txt --config-setting editable_mode=compat \
    "$tensorflow==$version" -e '.[cloud]'

"$venv/bin/python" image/slim.py
image/compile.sh "$venv/lib"
