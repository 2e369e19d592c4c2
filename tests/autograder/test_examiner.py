"""What works in a test cell works as in one process, though the student's code is in another."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autograder.cells import Limits, Outcome, Place, Step
from autograder.examiner import SourceCell, run_steps, source_names
from autograder.examiner.testing import Asking
from autograder.sandbox import SandboxUnavailable, Zygote, processors


@dataclass(frozen=True)
class Case:
    """A given cell, a student's cell and a test cell that must hold."""

    test: str
    student: str = ""
    given: str = ""


CASES = {
    "list value": Case(
        student="""
x = [1, 2, {'a': (1, 2)}]
""",
        test="""
assert x == [1, 2, {'a': (1, 2)}]
""",
    ),
    "call": Case(
        student="""
def f(a, b=2, *c, d=4, **e):
    return (a, b, c, d, e)
""",
        test="""
assert f(1, 3, 5, d=6, z=7) == (1, 3, (5,), 6, {'z': 7})
""",
    ),
    "inplace": Case(
        student="""
def f(l):
    l.append(3)
    return l
""",
        test="""
v = [1]
r = f(v)
assert v == [1, 3] and r is v
""",
    ),
    "inplace, then let go": Case(
        student="""
kept = [[n] for n in range(600)]

def get(n):
    return kept[n]

def lengths():
    return {len(item) for item in kept}
""",
        test="""
for n in range(600):
    get(n).append(n)
assert lengths() == {2}
""",
    ),
    "inplace nested": Case(
        student="""
def f(d):
    d['a'].append(3)
""",
        test="""
v = {'a': [1]}
f(v)
assert v == {'a': [1, 3]}
""",
    ),
    "inplace array": Case(
        student="""
def f(a):
    a[0] = 9
""",
        test="""
import numpy as np
a = np.zeros(3)
f(a)
assert a[0] == 9
""",
    ),
    "inplace set": Case(
        student="""
def f(a):
    a.add(9)
""",
        test="""
a = {1}
f(a)
assert a == {1, 9}
""",
    ),
    "inplace df": Case(
        student="""
def f(d):
    d['z'] = 1
""",
        test="""
import pandas as pd
d = pd.DataFrame({'a': [1, 2]})
f(d)
assert list(d.columns) == ['a', 'z']
""",
    ),
    "not mutated": Case(
        student="""
def f(l):
    return sorted(l)
""",
        test="""
v = [2, 1]
assert f(v) == [1, 2] and v == [2, 1]
""",
    ),
    "class": Case(
        student="""
class S:

    def __init__(s):
        s.i = []

    def push(s, x):
        s.i.append(x)

    def pop(s):
        return s.i.pop()

    def __len__(s):
        return len(s.i)
""",
        test="""
s = S()
s.push(1)
s.push([2])
assert len(s) == 2
assert s.pop() == [2]
assert isinstance(s, S) and type(s) is S
assert s.i == [1]
s.i.append(7)
assert s.pop() == 7
s.new = 5
assert s.new == 5
""",
    ),
    "eq student": Case(
        student="""
class P:

    def __init__(s, x):
        s.x = x

    def __eq__(s, o):
        return s.x == o.x

    def __hash__(s):
        return hash(s.x)
""",
        test="""
assert P(1) == P(1)
assert P(1) != P(2)
assert P(1) != 1
assert len({P(1), P(1)}) == 1
""",
    ),
    "add": Case(
        student="""
class V:

    def __init__(s, x):
        s.x = x

    def __add__(s, o):
        return V(s.x + o.x)

    def __mul__(s, k):
        return V(s.x * k)
    __rmul__ = __mul__

    def __repr__(s):
        return f'V({s.x})'

    def __lt__(s, o):
        return s.x < o.x
""",
        test="""
assert (V(1) + V(2)).x == 3
assert (V(1) * 3).x == 3
assert (3 * V(1)).x == 3
assert repr(V(1)) == 'V(1)' and str(V(2)) == 'V(2)' and (f'{V(3)}' == 'V(3)')
assert [v.x for v in sorted([V(3), V(1)])] == [1, 3]
""",
    ),
    "exception": Case(
        student="""
class E(ValueError):
    pass

def f(x):
    raise E('bad', x)
""",
        test="""
import pytest
with pytest.raises(ValueError):
    f(1)
with pytest.raises(E) as i:
    f(2)
assert i.value.args == ('bad', 2)
try:
    f(3)
except ValueError as e:
    assert 'bad' in str(e)
""",
    ),
    "zero division": Case(
        student="""
def f(x):
    return 1 / x
""",
        test="""
try:
    f(0)
except ZeroDivisionError:
    pass
else:
    raise AssertionError('no')
""",
    ),
    "keyerror": Case(
        student="""
d = {}

def f(x):
    return d[x]
""",
        test="""
import pytest
with pytest.raises(KeyError, match='q'):
    f('q')
""",
    ),
    "generator": Case(
        student="""
def g(n):
    for i in range(n):
        yield (i * i)
""",
        test="""
assert list(g(4)) == [0, 1, 4, 9]
it = g(2)
assert next(it) == 0
import types
assert isinstance(it, types.GeneratorType)
assert next(it) == 1
assert next(it, None) is None
assert sum(g(3)) == 5
""",
    ),
    "infinite gen": Case(
        student="""
def g():
    i = 0
    while True:
        yield i
        i += 1
""",
        test="""
from itertools import islice
assert list(islice(g(), 3)) == [0, 1, 2]
""",
    ),
    "context manager": Case(
        student="""
from contextlib import contextmanager
log = []

@contextmanager
def cm():
    log.append('in')
    try:
        yield 5
    finally:
        log.append('out')
""",
        test="""
with cm() as v:
    assert v == 5
    assert log == ['in']
assert log == ['in', 'out']
""",
    ),
    "cm suppress": Case(
        student="""
class S:

    def __enter__(s):
        return s

    def __exit__(s, t, v, tb):
        return t is ZeroDivisionError
""",
        test="""
with S():
    1 / 0
""",
    ),
    "callback": Case(
        student="""
def m(f, xs):
    return [f(x) for x in xs]
""",
        test="""
assert m(lambda x: x + 1, [1, 2]) == [2, 3]
import math
assert m(math.sqrt, [4]) == [2]
assert m(str, [4]) == ['4']
calls = []
m(lambda x: calls.append(x), [1, 2])
assert calls == [1, 2]
""",
    ),
    "callback raise": Case(
        student="""
def m(f):
    try:
        f()
    except ValueError:
        return 'caught'
""",
        test="""
def boom():
    raise ValueError('x')
assert m(boom) == 'caught'
""",
    ),
    "decorator": Case(
        student="""
def twice(f):

    def g(*a):
        return f(f(*a))
    return g
""",
        test="""
@twice
def inc(x):
    return x + 1
assert inc(1) == 3
""",
    ),
    "stdout": Case(
        student="""
def f():
    print('hello')
""",
        test=r"""
import io, contextlib
b = io.StringIO()
with contextlib.redirect_stdout(b):
    f()
assert b.getvalue() == 'hello\n'
""",
    ),
    "input": Case(
        student="""
def f():
    return input('n? ')
""",
        test="""
import unittest.mock as m
with m.patch('builtins.input', return_value='5'):
    assert f() == '5'
""",
    ),
    "input rebind": Case(
        student="""
def f():
    return int(input())
""",
        test="""
input = lambda p='': '3'
assert f() == 3
del input
""",
    ),
    "stdin": Case(
        student="""
def f():
    return input()
""",
        test=r"""
import io, sys
old = sys.stdin
sys.stdin = io.StringIO('7\n')
assert f() == '7'
sys.stdin = old
""",
    ),
    "del name": Case(
        student="""
def sq(x):
    return x * x

def su(n):
    return sum((sq(i) for i in range(n)))
""",
        test="""
orig = sq
del sq
try:
    su(3)
except NameError:
    pass
else:
    raise AssertionError()
finally:
    sq = orig
assert su(3) == 5
""",
    ),
    "rebind": Case(
        student="""
def sq(x):
    return x * x

def su(n):
    return sum((sq(i) for i in range(n)))
""",
        test="""
sq = lambda x: 1
assert su(3) == 3
""",
    ),
    "subclass int": Case(
        student="""
class I(int):

    def double(s):
        return I(2 * s)
""",
        test="""
i = I(4)
assert i == 4 and isinstance(i, int) and (i.double() == 8) and isinstance(i, I)
assert i + 1 == 5
""",
    ),
    "namedtuple": Case(
        student="""
from collections import namedtuple
P = namedtuple('P', 'x y')

def f():
    return P(1, 2)
""",
        test="""
p = f()
assert p == (1, 2) and p.x == 1 and (p[1] == 2)
x, y = p
assert isinstance(p, P) and p._fields == ('x', 'y')
assert P(3, 4).y == 4
""",
    ),
    "list subclass": Case(
        student="""
class St(list):

    def push(s, x):
        s.append(x)

    def peek(s):
        return s[-1]
""",
        test="""
s = St()
s.push(1)
assert s == [1] and len(s) == 1
s.append(5)
assert s.peek() == 5
assert isinstance(s, list)
""",
    ),
    "dict subclass": Case(
        student="""
class D(dict):

    def __missing__(s, k):
        return 0

    def tot(s):
        return sum(s.values())
""",
        test="""
d = D(a=1)
assert d['a'] == 1
d['b'] = 2
assert d.tot() == 3
""",
    ),
    "dataclass": Case(
        student="""
from dataclasses import dataclass

@dataclass
class P:
    x: int
    y: int = 0
""",
        test="""
p = P(1)
assert p.x == 1 and p == P(1, 0)
assert repr(p) == 'P(x=1, y=0)'
p.x = 4
assert p.x == 4
""",
    ),
    "enum": Case(
        student="""
from enum import Enum

class C(Enum):
    R = 1
    G = 2

def f():
    return C.R
""",
        test="""
assert f() == C.R and f() is C.R and (C.R.value == 1) and (C(2) == C.G)
""",
    ),
    "abc": Case(
        student="""
import abc

class A(abc.ABC):

    @abc.abstractmethod
    def f(s):
        ...

class B(A):

    def f(s):
        return 1
""",
        test="""
import pytest
assert issubclass(B, A)
assert isinstance(B(), A)
with pytest.raises(TypeError):
    A()
""",
    ),
    "inherit": Case(
        student="""
class A:

    def f(s):
        return 1

class B(A):
    pass
""",
        test="""
assert issubclass(B, A) and isinstance(B(), A) and (B().f() == 1)
""",
    ),
    "static": Case(
        student="""
class A:
    n = 0

    @staticmethod
    def s(x):
        return x + 1

    @classmethod
    def c(cls):
        return cls()

    @property
    def p(s):
        return 9
""",
        test="""
assert A.s(1) == 2 and isinstance(A.c(), A) and (A().p == 9)
A.n = 4
assert A().n == 4
""",
    ),
    "numpy testing": Case(
        student="""
import numpy as np

def f(n):
    return np.linspace(0, 1, n)
""",
        test="""
np.testing.assert_allclose(f(3), [0, 0.5, 1])
assert f(3).shape == (3,)
assert f(2).dtype == float
""",
    ),
    "pandas": Case(
        student="""
import pandas as pd

def f():
    return pd.DataFrame({'a': [1, 2], 'b': ['x', 'y']}).groupby('b').sum()
""",
        test="""
e = pd.DataFrame({'a': [1, 2]}, index=pd.Index(['x', 'y'], name='b'))
pd.testing.assert_frame_equal(f(), e)
""",
    ),
    "approx": Case(
        student="""
def f():
    return 0.1 + 0.2
""",
        test="""
import pytest
assert f() == pytest.approx(0.3)
""",
    ),
    "warnings": Case(
        student="""
import warnings

def f():
    warnings.warn('careful', DeprecationWarning)
    return 1
""",
        test="""
with warnings.catch_warnings(record=True) as w:
    warnings.simplefilter('always')
    assert f() == 1
assert len(w) == 1 and 'careful' in str(w[0].message)
""",
    ),
    "pytest warns": Case(
        student="""
import warnings

def f():
    warnings.warn('careful', UserWarning)
""",
        test="""
import pytest
with pytest.warns(UserWarning):
    f()
""",
    ),
    "warn alone": Case(
        student="""
import warnings

def f():
    warnings.warn('x')
    return 2
""",
        test="""
assert f() == 2
""",
    ),
    "matplotlib": Case(
        student="""
import matplotlib.pyplot as plt

def p():
    fig, ax = plt.subplots()
    ax.plot([1, 2], [3, 4], label='l')
    ax.set_xlabel('time')
    ax.legend()
    return ax
""",
        test="""
ax = p()
assert ax.get_xlabel() == 'time'
l = ax.get_lines()[0]
assert list(l.get_xdata()) == [1, 2]
assert l.get_label() == 'l'
assert plt.gca().get_xlabel() == 'time'
assert len(plt.gcf().axes) == 1
lo, hi = ax.get_ylim()
assert lo < 3 < hi
""",
    ),
    "plt in test": Case(
        student="""
import matplotlib.pyplot as plt
plt.plot([1, 2])
ax = plt.gca()
""",
        test="""
import matplotlib.pyplot as pp
assert ax.lines[0].get_ydata().tolist() == [1, 2]
""",
    ),
    "global state": Case(
        student="""
n = 0

def inc():
    global n
    n += 1
    return n
""",
        test="""
inc()
inc()
assert inc() == 3
""",
    ),
    "sqrt import": Case(
        student="""
from math import sqrt

def f(x):
    return sqrt(x)
""",
        test="""
assert f(4) == 2 and sqrt(9) == 3
""",
    ),
    "lambda": Case(
        student="""
f = lambda x: x + 1
""",
        test="""
assert f(1) == 2 and callable(f)
""",
    ),
    "builtin alias": Case(
        student="""
total = sum
""",
        test="""
assert total([1, 2]) == 3
""",
    ),
    "types": Case(
        student="""
def f(x):
    return type(x)
""",
        test="""
assert f(1) is int
assert f([]) is list
""",
    ),
    "none": Case(
        student="""
def f():
    pass
""",
        test="""
assert f() is None
""",
    ),
    "identity": Case(
        student="""
a = [1]
b = a

def g():
    return a
""",
        test="""
assert a is b
assert g() is a
""",
    ),
    "fraction": Case(
        student="""
from fractions import Fraction

def f():
    return Fraction(1, 3)
""",
        test="""
from fractions import Fraction
assert f() == Fraction(1, 3)
""",
    ),
    "f-string": Case(
        student="""
x = 5
""",
        test="""
assert f'{x}' == '5'
""",
    ),
    "iter arg": Case(
        student="""
def f(it):
    return list(it)
""",
        test="""
assert f(iter([1, 2])) == [1, 2]
assert f((x * x for x in range(3))) == [0, 1, 4]
assert f(map(str, [1])) == ['1']
assert f(zip([1], [2])) == [(1, 2)]
assert f({1: 2}.items()) == [(1, 2)]
""",
    ),
    "file arg": Case(
        student="""
def f(fh):
    return fh.read().split()

def w(fh):
    fh.write('x')
""",
        test="""
import io
assert f(io.StringIO('a b')) == ['a', 'b']
b = io.StringIO()
w(b)
assert b.getvalue() == 'x'
""",
    ),
    "file": Case(
        student="""
with open('o.txt', 'w') as fh:
    fh.write('hey')
""",
        test="""
assert open('o.txt').read() == 'hey'
import os
assert os.path.exists('o.txt') and 'o.txt' in os.listdir('.')
""",
    ),
    "own class obj": Case(
        given="""
class Packet:

    def __init__(self, n):
        self.n = n
""",
        student="""
def mk(n):
    return Packet(n)

def size(p):
    p.n += 1
    return p.n
""",
        test="""
p = mk(3)
assert isinstance(p, Packet) and p.n == 3
q = Packet(5)
assert size(q) == 6 and q.n == 6
""",
    ),
    "own exception": Case(
        given="""
class QE(Exception):
    pass
""",
        student="""
def f():
    raise QE('empty')
""",
        test="""
import pytest
with pytest.raises(QE, match='empty'):
    f()
""",
    ),
    "given dataclass": Case(
        given="""
from dataclasses import dataclass

@dataclass(frozen=True)
class Pt:
    x: int
    y: int
""",
        student="""
def mk():
    return [Pt(1, 2)]

def tot(ps):
    return sum((p.x for p in ps))
""",
        test="""
assert mk() == [Pt(1, 2)]
assert tot([Pt(1, 2), Pt(3, 4)]) == 4
""",
    ),
    "given enum": Case(
        given="""
from enum import Enum

class K(Enum):
    A = 1
""",
        student="""
def f(k):
    return k is K.A

def g():
    return K.A
""",
        test="""
assert f(K.A) and g() is K.A
""",
    ),
    "given namedtuple": Case(
        given="""
from typing import NamedTuple

class N(NamedTuple):
    a: int
    b: str
""",
        student="""
def f():
    return N(1, 'x')

def g(n):
    return n.b
""",
        test="""
assert f() == N(1, 'x') and f().a == 1 and isinstance(f(), N)
assert g(N(2, 'y')) == 'y'
""",
    ),
    "given base": Case(
        given="""
class Base:

    def hi(self):
        return 'hi ' + self.name()
""",
        student="""
class Me(Base):

    def name(self):
        return 'me'
""",
        test="""
m = Me()
assert m.hi() == 'hi me' and isinstance(m, Base) and issubclass(Me, Base)
""",
    ),
    "given func": Case(
        given="""
def helper(f):
    return f(2)
""",
        student="""
def f(x):
    return x * 10
""",
        test="""
assert helper(f) == 20
""",
    ),
    "tree": Case(
        given="""
class Node:

    def __init__(s, v, l=None, r=None):
        s.v, s.l, s.r = (v, l, r)
""",
        student="""
def depth(n):
    return 0 if n is None else 1 + max(depth(n.l), depth(n.r))

def build():
    return Node(1, Node(2))
""",
        test="""
assert depth(Node(1, Node(2, Node(3)))) == 3
t = build()
assert t.l.v == 2 and t.r is None
""",
    ),
    "test object": Case(
        student="""
def run(clock):
    return clock.now() + clock.step
""",
        test="""
class Clock:
    step = 2

    def __init__(s):
        s.t = 3

    def now(s):
        return s.t
assert run(Clock()) == 5
""",
    ),
    "mock": Case(
        student="""
def f(cb):
    cb(1)
    return cb(2)
""",
        test="""
from unittest.mock import Mock
m = Mock(return_value=7)
assert f(m) == 7
m.assert_called_with(2)
assert m.call_count == 2
""",
    ),
    "seed": Case(
        student="""
import random

def f():
    return random.random()
""",
        test="""
random.seed(3)
a = f()
random.seed(3)
assert a == f()
random.seed(3)
assert a == random.random()
""",
    ),
    "npseed": Case(
        student="""
import numpy as np

def f():
    return np.random.rand(3)
""",
        test="""
np.random.seed(3)
a = f()
np.random.seed(3)
assert (a == f()).all()
""",
    ),
    "signature": Case(
        student="""
def f(a, b=2):
    '''doc'''
""",
        test="""
import inspect
assert list(inspect.signature(f).parameters) == ['a', 'b']
assert f.__doc__ == 'doc' and f.__name__ == 'f'
""",
    ),
    "getsource": Case(
        student="""
def f(a):
    return a + 1
""",
        test="""
import inspect
assert 'return a + 1' in inspect.getsource(f)
""",
    ),
    "vars": Case(
        student="""
class A:

    def __init__(s):
        s.x = 1
""",
        test="""
assert vars(A()) == {'x': 1}
assert A().__dict__ == {'x': 1}
assert hasattr(A(), 'x') and (not hasattr(A(), 'y'))
assert 'x' in dir(A())
assert getattr(A(), 'zz', 5) == 5
""",
    ),
    "globals": Case(
        student="""
x = 4
""",
        test="""
assert globals()['x'] == 4 and 'x' in globals() and (eval('x+1') == 5)
""",
    ),
    "async": Case(
        student="""
import asyncio

async def f(x):
    await asyncio.sleep(0)
    return x + 1
""",
        test="""
import asyncio
assert asyncio.run(f(1)) == 2
""",
    ),
    "magic": Case(
        student="""
x = 1
""",
        test="""
%matplotlib inline
assert x==1
""",
    ),
    "shell": Case(
        student="""
open('q.txt', 'w').write('1')
""",
        test="""
o=!ls
assert 'q.txt' in o
""",
    ),
    "unittest": Case(
        student="""
def f():
    return 1
""",
        test="""
import unittest
tc = unittest.TestCase()
tc.assertEqual(f(), 1)
with tc.assertRaises(TypeError):
    f(1)
""",
    ),
    "sorted key": Case(
        student="""
def key(x):
    return -x
""",
        test="""
assert sorted([1, 3, 2], key=key) == [3, 2, 1]
""",
    ),
    "cache": Case(
        student="""
from functools import lru_cache

@lru_cache(None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
""",
        test="""
assert fib(30) == 832040
assert fib.cache_info().misses == 31
""",
    ),
    "method pass": Case(
        student="""
class A:

    def f(s, x):
        return x + 1
""",
        test="""
assert list(map(A().f, [1, 2])) == [2, 3]
""",
    ),
    "mutual": Case(
        student="""
class Node:

    def __init__(s, v):
        s.v = v
        s.next = None
""",
        test="""
a = Node(1)
b = Node(2)
a.next = b
assert a.next is b and a.next.v == 2
""",
    ),
    "student obj arg": Case(
        student="""
class A:

    def __init__(s, x):
        s.x = x

def g(a):
    return a.x

def h(l):
    return [a.x for a in l]
""",
        test="""
assert g(A(3)) == 3 and h([A(1), A(2)]) == [1, 2]
""",
    ),
    "iterable class": Case(
        student="""
class R:

    def __init__(s, n):
        s.n = n

    def __iter__(s):
        return iter(range(s.n))

    def __getitem__(s, i):
        return i * 2

    def __contains__(s, x):
        return x < s.n
""",
        test="""
assert list(R(3)) == [0, 1, 2] and R(3)[4] == 8 and (2 in R(3)) and (5 not in R(3))
""",
    ),
    "bytes": Case(
        student="""
def f(b):
    return bytes(reversed(b))
""",
        test="""
assert f(b'ab') == b'ba'
""",
    ),
    "deque": Case(
        student="""
from collections import deque, Counter, defaultdict, OrderedDict

def f():
    return (deque([1], maxlen=2), Counter('aa'), defaultdict(list, {1: [2]}), OrderedDict(a=1))
""",
        test="""
a, b, c, d = f()
assert a == deque([1]) and a.maxlen == 2 and (b['a'] == 2) and (c[5] == []) and (d == {'a': 1})
""",
    ),
    "big": Case(
        student="""
def f():
    return list(range(200000))
""",
        test="""
assert len(f()) == 200000
""",
    ),
    "timeit": Case(
        student="""
def f():
    return 1
""",
        test="""
%time assert f()==1
""",
    ),
    "doctest globals": Case(
        student="""
x = 3
""",
        test="""
def helper():
    return x
assert helper() == 3
""",
    ),
    "recursive list": Case(
        student="""
a = []
a.append(a)
""",
        test="""
assert a[0] is a
""",
    ),
    "str subclass": Case(
        student="""
class N(str):

    def shout(s):
        return s.upper() + '!'
""",
        test="""
n = N('ab')
assert n == 'ab' and n.shout() == 'AB!' and (n + 'c' == 'abc')
""",
    ),
    "print student obj": Case(
        student="""
class A:
    pass
""",
        test="""
print(A())
""",
    ),
    "walrus": Case(
        student="""
y = 3
""",
        test="""
assert (z := y) == 3
""",
    ),
    "star import": Case(
        given="""
from math import *
""",
        student="""
def f():
    return pi
""",
        test="""
assert f() == pi
""",
    ),
}


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    try:
        with Zygote() as warm:
            yield warm
    except SandboxUnavailable as error:
        pytest.skip(str(error))


def run(
    zygote: Zygote, folder: Path, *cells: tuple[str, str], limits: Limits | None = None
) -> list[Outcome]:
    """Run cells of the kinds given, solution and test; each test is worth 2 points."""
    source = [
        SourceCell(f"c{n}", text, grade=kind == "test", solution=kind == "solution")
        for n, (kind, text) in enumerate(cells)
    ]
    steps = [
        Step(c.cell_id, c.source, Place.EXAMINER if c.grade else Place.ROOM, 2.0 * c.grade)
        for c in source
    ]
    return run_steps(
        zygote,
        steps,
        folder=folder,
        source_folder=folder,
        names=source_names(source),
        limits=limits or Limits(),
    )


@pytest.mark.parametrize("name", CASES)
def test_works_as_in_one_process(zygote: Zygote, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    outcomes = run(
        zygote, tmp_path, ("given", case.given), ("solution", case.student), ("test", case.test)
    )
    assert [o.state for o in outcomes] == ["ok", "ok", "ok"], [o.message for o in outcomes]
    assert outcomes[2].score == 2.0


# Each of these a test cell must reject, as it would in one process.
WRONG = {
    "wrong value": ("def f(): return 3", "assert f() == 4"),
    "no such name": ("", "assert f() == 4"),
    "raises": ("def f(): return 1 / 0", "f()"),
    "raises another": (
        "def f(): raise KeyError(1)",
        "import pytest\nwith pytest.raises(ValueError):\n    f()",
    ),
    "does not raise": ("def f(): pass", "import pytest\nwith pytest.raises(ValueError):\n    f()"),
    "changes its argument": ("def f(v): v.sort()", "v = [2, 1]\nf(v)\nassert v == [2, 1]"),
    "true is not one": ("def f(): return True", "assert f() is not True"),
    "close but not equal": (
        "def f(): return 0.31",
        "import pytest\nassert f() == pytest.approx(0.3)",
    ),
    "false at the end": ("def f(): return 3", "f() == 4"),
    "zero at the end": ("", "0"),
    "negative at the end": ("", "-3"),
    "exits": ("import sys\ndef f(): sys.exit(0)", "f()"),
    "not python": ("def f(: pass", "assert f() == 1"),
    "wrong frame": (
        "import pandas as pd\ndef f(): return pd.DataFrame({'a': [1]})",
        "import pandas as pd\npd.testing.assert_frame_equal(f(), pd.DataFrame({'a': [2]}))",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_earn_nothing(zygote: Zygote, tmp_path: Path, name: str) -> None:
    student, test = WRONG[name]
    outcomes = run(zygote, tmp_path, ("solution", student), ("test", test))
    assert outcomes[1].score == 0.0
    assert outcomes[1].state == "failed"
    assert "\n" not in outcomes[1].message
    assert outcomes[1].message


# What cannot work in two rooms names the construct, for the author.
AUTHOR_ERRORS = {
    "subclassing": ("class A: pass", "class B(A): pass", "subclass"),
    "swallowed": (
        "class A: pass",
        "try:\n    class B(A): pass\nexcept Exception: pass",
        "subclass",
    ),
    "underscore": ("3", "assert _ == 3", "_"),
    "history": ("3", "assert Out[1] == 3", "Out"),
    "magic": ("", "%run x.py", "%run"),
    "uncrossable argument": (
        "def f(x): return x",
        "import threading\nf(threading.Lock())",
        "lock",
    ),
    "own subclass of data": (
        "def f(x): return x",
        "class I(int): pass\nf(I(3))",
        "subclass of int",
    ),
    "syntax": ("", "assert (", "not Python"),
    "patching a library": (
        "import time\ndef f(): return time.time()",
        "from unittest.mock import patch\nwith patch('time.time', return_value=3):\n    f()",
        "time.time",
    ),
}


@pytest.mark.parametrize("name", AUTHOR_ERRORS)
def test_what_cannot_work_is_the_authors_error(zygote: Zygote, tmp_path: Path, name: str) -> None:
    student, test, named = AUTHOR_ERRORS[name]
    outcome = run(zygote, tmp_path, ("solution", student), ("test", test))[1]
    assert (outcome.state, outcome.score) == ("author error", None)
    assert named in outcome.message


def test_partial_credit_is_the_last_value(zygote: Zygote, tmp_path: Path) -> None:
    outcomes = run(zygote, tmp_path, ("test", "0.5"), ("test", "1 + 1"), ("test", "7"))
    assert [o.score for o in outcomes] == [0.5, 2.0, 2.0]


@pytest.mark.long
def test_one_that_ends_the_process_costs_itself_only(zygote: Zygote, tmp_path: Path) -> None:
    outcomes = run(
        zygote,
        tmp_path,
        ("solution", "import os\ndef die(): os._exit(0)\ndef live(): return 1"),
        ("test", "die()"),
        ("solution", "x = 1\nos._exit(1)"),
        ("test", "assert live() == 1"),
        ("test", "try:\n    die()\nexcept BaseException:\n    pass"),
        ("solution", "while True: pass"),
        ("test", "assert live() == 1"),
        limits=Limits(cell_wall_s=3),
    )
    assert [o.state for o in outcomes] == ["ok", "dead", "dead", "ok", "dead", "limit", "ok"]
    assert [o.score for o in outcomes] == [None, 0.0, None, 2.0, 0.0, None, 2.0]


@pytest.mark.long
def test_total_time_is_limited(zygote: Zygote, tmp_path: Path) -> None:
    outcomes = run(
        zygote,
        tmp_path,
        *[("solution", "while True: pass")] * 4,
        ("test", "pass"),
        limits=Limits(cell_wall_s=1.0, total_wall_s=2.5),
    )
    assert len(outcomes) == 5
    assert outcomes[-1].state == "not run"
    assert outcomes[-1].score == 0.0


HIDDEN = "### BEGIN HIDDEN TESTS\n{}\n### END HIDDEN TESTS"


def test_nothing_of_a_hidden_test_is_shown(zygote: Zygote, tmp_path: Path) -> None:
    student = """
seen = []
def f(x):
    seen.append(x)
    print("given", x)
    if x > 7000: raise type("E" + str(x), (ValueError,), {})(x)
    return x
"""
    outcomes = run(
        zygote,
        tmp_path,
        ("solution", student),
        ("test", "assert f(1) == 1\n" + HIDDEN.format("assert f(4711) == 4711")),
        ("solution", "print('stash', seen)\nseen"),
        ("test", "f(2)\nassert seen == 3, seen"),
        ("test", HIDDEN.format("f(8822)")),
        ("test", HIDDEN.format("import numpy as np\nnp.testing.assert_equal(f(5), 4711)")),
        ("test", HIDDEN.format("print(4711)")),
        ("solution", "raise ValueError(str(seen))"),
        ("solution", "from IPython.display import display, HTML\ndisplay(HTML(str(seen)))"),
    )
    shown = repr(outcomes)
    assert "4711" not in shown
    assert "8822" not in shown
    assert "given 1" in shown
    assert "stash [1]" in shown
    assert outcomes[4].message == "Your code raised ValueError in a hidden check."
    assert [o.score for o in outcomes if o.score is not None] == [2.0, 0.0, 0.0, 0.0, 2.0]


def test_a_helper_of_a_hidden_test_is_hidden_wherever_it_is_called(
    zygote: Zygote, tmp_path: Path
) -> None:
    hidden = HIDDEN.format("def check():\n    assert f(4711) == 1, 'the message'\n    f(4711)")
    outcomes = run(
        zygote,
        tmp_path,
        ("solution", "def f(x):\n    print('given', x)\n    return 1"),
        ("test", hidden + "\ncheck()"),
        ("solution", "def f(x): raise ValueError(x)"),
        ("test", "check()"),
    )
    assert "4711" not in repr(outcomes)
    assert [o.score for o in outcomes if o.score is not None] == [2.0, 0.0]


def test_what_the_source_gives_and_the_examiner_cannot_have_is_the_authors_error(
    zygote: Zygote, tmp_path: Path
) -> None:
    (tmp_path / "submitted").mkdir()
    (tmp_path / "submitted" / "helper.py").write_text("x = 1")
    (tmp_path / "source").mkdir()
    cells = [SourceCell("g", "import helper, math"), SourceCell("t", "", grade=True)]
    outcomes = run_steps(
        zygote,
        [
            Step("g", "import helper, math", Place.ROOM),
            Step("t1", "assert math.pi > 3", Place.EXAMINER, 1.0),
            Step("t2", "assert helper.x == 1", Place.EXAMINER, 1.0),
        ],
        folder=tmp_path / "submitted",
        source_folder=tmp_path / "source",
        names=source_names(cells),
    )
    assert [o.state for o in outcomes] == ["ok", "ok", "author error"]
    assert "helper" in outcomes[2].message


def test_the_authors_message_of_a_hidden_test_is_shown(zygote: Zygote, tmp_path: Path) -> None:
    outcome = run(zygote, tmp_path, ("test", HIDDEN.format("assert 1 == 2, 'Try n = 0.'")))[0]
    assert outcome.message == "Try n = 0."


def test_a_room_and_its_examiner_share_one_processor(
    zygote: Zygote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Names of this test alone: what grades beside it may hold all the processors.
    monkeypatch.setattr(processors, "NAME", f"\0test-{os.getpid()}-{{}}")
    student = "import os\nallowed = os.sched_getaffinity(0)"
    test = "import os\nassert os.sched_getaffinity(0) == allowed and len(allowed) == 1, allowed"
    outcomes = run(zygote, tmp_path, ("solution", student), ("test", test))
    assert [o.state for o in outcomes] == ["ok", "ok"], outcomes[-1].message


def test_two_runs_are_the_same(zygote: Zygote, tmp_path: Path) -> None:
    cells = [
        ("given", "import random, os, time, locale\nimport numpy as np"),
        ("solution", "print(hash('a'), random.random(), np.random.rand(), {'x', 'y', 'z'})"),
        ("solution", "print(os.getcwd(), time.tzname, locale.getlocale(), dict(os.environ))"),
        ("test", "print(random.random(), np.random.rand(), id is None)"),
    ]
    assert run(zygote, tmp_path, *cells) == run(zygote, tmp_path, *cells)


def test_helpers_come_from_the_source_folder_and_never_from_the_room(
    zygote: Zygote, tmp_path: Path
) -> None:
    submitted, source = tmp_path / "submitted", tmp_path / "source"
    submitted.mkdir()
    source.mkdir()
    (submitted / "statistics.py").write_text("def mean(x): return 42\n")
    (submitted / "helper.py").write_text("answer = 1\n")
    (submitted / "data.csv").write_text("a\n1\n")
    (source / "helper.py").write_text("answer = 42\n")
    test = """
import statistics, helper
assert helper.answer == 42
assert statistics.mean([1, 3]) == 2
assert open("data.csv").read() == "a\\n1\\n"
assert open("made.txt").read() == "by the student"
"""
    cells = [SourceCell("s", "", solution=True), SourceCell("t", test, grade=True)]
    steps = [
        Step("s", "open('made.txt', 'w').write('by the student')", Place.ROOM),
        Step("t", test, Place.EXAMINER, 1.0),
    ]
    outcomes = run_steps(
        zygote, steps, folder=submitted, source_folder=source, names=source_names(cells)
    )
    assert outcomes[1].state == "ok", outcomes[1]
    assert not (submitted / "made.txt").exists()


def test_what_only_the_table_holds_is_forgotten_whole() -> None:
    examiner_end, room_end = socket.socketpair()
    with examiner_end, room_end:
        asking = Asking(examiner_end, {"operators": [], "shared_classes": [], "student": []})
        asking.namespace = {}
        kept = {"a": [{0}]}
        for number in range(20):
            asking.encode({"a": [{number}], "b": {"c": [number]}})
        asking.encode(kept)
        assert len(asking.entries) == 20 * 5 + 3
        asking._prune()
        assert len(asking.entries) == 3, "the inner ones of a forgotten object stayed"


def test_a_check_that_prints_a_fixed_sentence_needs_no_second_room(
    zygote: Zygote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[None] = []
    real = Zygote.open_pair

    def open_pair(self: Zygote, *arguments: Any) -> Any:
        opened.append(None)
        return real(self, *arguments)

    monkeypatch.setattr(Zygote, "open_pair", open_pair)
    cells = [
        ("solution", "seen = []\ndef f(x):\n    seen.append(x)\n    return seen"),
        ("test", HIDDEN.format("f(4711)")),
        ("test", "f(1)\nprint('f: the visible check passes.')"),
    ]
    outcomes = run(zygote, tmp_path, *cells)
    assert len(opened) == 1
    assert "the visible check passes." in repr(outcomes[2].outputs)
    opened.clear()
    told = run(zygote, tmp_path, *cells, ("test", "print(f(2))\nfor _ in f(3): print('again')"))
    assert len(opened) == 2
    assert "4711" not in repr(told)


def test_what_a_cell_forks_is_no_room(zygote: Zygote, tmp_path: Path) -> None:
    outcomes = run(
        zygote,
        tmp_path,
        ("solution", "import os\npid = os.fork()\ndef f(x): return x + 1"),
        ("test", "assert f(1) == 2\nassert f(2) == 3"),
        ("solution", "print('still here', pid > 0)"),
    )
    assert [outcome.state for outcome in outcomes] == ["ok", "ok", "ok"]
    assert "still here True" in repr(outcomes[2].outputs)


def test_a_module_beside_the_notebook_can_be_imported_in_the_room(
    zygote: Zygote, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text("value = 7\n")
    (outcome,) = run(zygote, tmp_path, ("solution", "import mine\nprint('value', mine.value)"))
    assert outcome.state == "ok"
    assert "value 7" in repr(outcome.outputs)
