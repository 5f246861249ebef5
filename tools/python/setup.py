# SPDX-License-Identifier: Apache-2.0
"""The wheel: CMake builds the extension module, setuptools packs it. MOECOST_BUILD names a build folder to use again."""
import os
import pathlib
import re
import shutil
import subprocess

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def version() -> str:
    return re.search(r"project\(moecost VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)


class CMakeBuild(build_ext):
    def build_extension(self, ext: Extension) -> None:
        build = pathlib.Path(os.environ.get("MOECOST_BUILD", ROOT / "build" / "python"))
        subprocess.run(["cmake", "--preset", "release", "-B", build, "-DMOECOST_TESTS=OFF", "-DMOECOST_BENCH=OFF",
                        "-DMOECOST_PRECOMPILE=ON"],
                       cwd=ROOT, check=True)
        subprocess.run(["cmake", "--build", build, "--target", "moecost_python"], check=True)
        target = pathlib.Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        made = build / "python" / "moecost"
        shutil.copy(next(made.glob("_core*.so")), target)
        shutil.copy(made / "__init__.pyi", target.parent)


setup(version=version(), packages=["moecost"], package_data={"moecost": ["py.typed"]},
      ext_modules=[Extension("moecost._core", sources=[])], cmdclass={"build_ext": CMakeBuild})
