#!/usr/bin/env bash
# Builds TensorFlow.js's native addon from source where its own download host is out of reach, from two registries only:
# npm (the addon's source, node-gyp) and PyPI (TensorFlow's library and headers, out of the wheel `tensorflow-cpu`).
#
#   packages/core-mae/scripts/build-tfjs-node.sh <folder outside the repository>
#
# Needs x86-64 Linux, a C++ compiler, make and Python 3 with pip. Python is used to download and by node-gyp; nothing of
# it is needed to run. docs/backends.md says which versions fit together, and what to do with the result.
set -euo pipefail

ADDON_VERSION=4.22.0
# Wheels have held TensorFlow as a library free of Python since 2.12; tfjs-node 4.22 itself is made for 2.9.1.
TENSORFLOW_VERSION=${TENSORFLOW_VERSION:-2.15.1}
WHEEL_PYTHON=${WHEEL_PYTHON:-3.11}

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
if [ $# -ne 1 ]; then
  echo "usage: $0 <folder outside the repository>" >&2
  exit 2
fi
if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
  echo "PyPI's tensorflow-cpu has a library for x86-64 Linux only, this is $(uname -s) on $(uname -m)" >&2
  exit 1
fi
folder=$(realpath --canonicalize-missing "$1")
case "$folder/" in "$repository"/*)
  echo "$folder lies inside the repository: choose a folder outside it" >&2
  exit 2
  ;;
esac
mkdir -p "$folder"
addon=$folder/node_modules/@tensorflow/tfjs-node

echo "1/4 tfjs-node $ADDON_VERSION from npm, without its install script"
npm install --silent --prefix "$folder" --ignore-scripts --no-audit --no-fund \
  "@tensorflow/tfjs-node@$ADDON_VERSION" node-gyp@12
# One TF.js for the addon and the engine: two copies share their registries and warn about every kernel.
rm -rf "$folder/node_modules/@tensorflow/tfjs"
ln -s "$repository/node_modules/@tensorflow/tfjs" "$folder/node_modules/@tensorflow/tfjs"

echo "2/4 TensorFlow $TENSORFLOW_VERSION from PyPI"
python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$folder/wheels" \
  --implementation cp --python-version "$WHEEL_PYTHON" \
  --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 --platform manylinux_2_27_x86_64 \
  "tensorflow-cpu==$TENSORFLOW_VERSION"
rm -rf "$addon/deps" "$addon/build" "$addon/lib"
python3 - "$folder/wheels/tensorflow_cpu-$TENSORFLOW_VERSION-cp${WHEEL_PYTHON/./}-"*.whl "$addon/deps" <<'EXTRACT'
import pathlib, shutil, sys, zipfile
wheel, deps = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2])
libraries = ('tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2')
missing = [name for name in libraries if name not in wheel.namelist()]
if missing:
    sys.exit(f'{sys.argv[1]} does not hold {", ".join(missing)}: take TensorFlow 2.12 or newer')
for member in wheel.namelist():
    if member in libraries:
        target = deps / 'lib' / pathlib.Path(member).name
    elif member.startswith('tensorflow/include/') and not member.endswith('/'):
        target = deps / pathlib.Path(member).relative_to('tensorflow')
    else:
        continue
    target.parent.mkdir(parents=True, exist_ok=True)
    with wheel.open(member) as source, open(target, 'wb') as copy:
        shutil.copyfileobj(source, copy)
EXTRACT
# The names that the addon's build links against.
ln -s libtensorflow_cc.so.2 "$addon/deps/lib/libtensorflow.so"
ln -s libtensorflow_framework.so.2 "$addon/deps/lib/libtensorflow_framework.so"

echo "3/4 the addon, with node-gyp"
# Node's headers usually lie beside it; otherwise node-gyp downloads them from nodejs.org.
prefix=$(dirname "$(dirname "$(node -p 'fs.realpathSync(process.execPath)')")")
headers=()
if [ -f "$prefix/include/node/node_api.h" ]; then headers=(--nodedir="$prefix"); fi
cd "$addon"
nice -n 10 "$folder/node_modules/.bin/node-gyp" rebuild "${headers[@]}" --loglevel=error --jobs 1 \
  --module_name=tfjs_binding --module_path="$addon/lib/napi-v8" --napi_build_version=8

echo "4/4 a gradient on it"
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=2 node --input-type=commonjs --eval "
  const tf = require('@tensorflow/tfjs-node');
  const [gradient] = tf.grad((x) => x.matMul(x).sum())(tf.tensor2d([1, 2, 3, 4], [2, 2])).dataSync();
  if (gradient !== 7) throw new Error('the gradient is ' + gradient + ', not 7');
  console.log('libtensorflow ' + tf.backend().binding.TF_Version + ' on the backend ' + tf.getBackend());
"
cat <<NEXT

Built. Use it with NODE_PATH, from the repository:
  NODE_PATH=$folder/node_modules node packages/cli/dist/main.js doctor
  NODE_PATH=$folder/node_modules TF_ENABLE_ONEDNN_OPTS=0 MAE_TASKS_ENGINE=tensorflow npx vitest run test/models
NEXT
