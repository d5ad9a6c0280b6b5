"""Builds the example: `python setup.py build_ext --inplace`. Nothing of nnfast is included or linked."""

import os

from Cython.Build import cythonize
from setuptools import Extension, setup

import nnfast

setup(
    name="nnfast_example",
    ext_modules=cythonize(
        [Extension("nnfast_example", ["nnfast_example.pyx"])],
        include_path=[
            os.path.dirname(folder) for folder in nnfast.__path__
        ],  # where `cimport nnfast...` is looked up
        language_level=3,
    ),
)
