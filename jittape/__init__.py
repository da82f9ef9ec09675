"""jittape: reverse-mode automatic differentiation of plain Python, recorded once and replayed at native speed."""

from .arrays import VarArray as VarArray
from .eager import var as var
from .errors import BranchChanged as BranchChanged
from .errors import JitTapeCacheWarning as JitTapeCacheWarning
from .errors import JitTapeError as JitTapeError
from .errors import JitTapeWarning as JitTapeWarning
from .errors import NonFiniteError as NonFiniteError
from .errors import StaleVarError as StaleVarError
from .errors import TapeCapacityError as TapeCapacityError
from .errors import TapeFormatError as TapeFormatError
from .errors import TapeMismatchError as TapeMismatchError
from .errors import TapeThreadError as TapeThreadError
from .errors import TracingTypeError as TracingTypeError

# <generated: exports>
# fmt: off
from .functions import abs as abs
from .functions import absolute as absolute
from .functions import acos as acos
from .functions import acosh as acosh
from .functions import add as add
from .functions import arccos as arccos
from .functions import arccosh as arccosh
from .functions import arcsin as arcsin
from .functions import arcsinh as arcsinh
from .functions import arctan as arctan
from .functions import arctan2 as arctan2
from .functions import arctanh as arctanh
from .functions import array as array
from .functions import asin as asin
from .functions import asinh as asinh
from .functions import atan as atan
from .functions import atan2 as atan2
from .functions import atanh as atanh
from .functions import cbrt as cbrt
from .functions import ceil as ceil
from .functions import clip as clip
from .functions import concatenate as concatenate
from .functions import copysign as copysign
from .functions import cos as cos
from .functions import cosh as cosh
from .functions import digamma as digamma
from .functions import divide as divide
from .functions import dot as dot
from .functions import equal as equal
from .functions import erf as erf
from .functions import erfc as erfc
from .functions import erfinv as erfinv
from .functions import exp as exp
from .functions import exp2 as exp2
from .functions import expit as expit
from .functions import expm1 as expm1
from .functions import fabs as fabs
from .functions import fix as fix
from .functions import floor as floor
from .functions import floor_divide as floor_divide
from .functions import fmax as fmax
from .functions import fmin as fmin
from .functions import fmod as fmod
from .functions import full as full
from .functions import full_like as full_like
from .functions import gamma as gamma
from .functions import gammaln as gammaln
from .functions import greater as greater
from .functions import greater_equal as greater_equal
from .functions import hypot as hypot
from .functions import i0e as i0e
from .functions import i1e as i1e
from .functions import isfinite as isfinite
from .functions import isinf as isinf
from .functions import isnan as isnan
from .functions import less as less
from .functions import less_equal as less_equal
from .functions import lgamma as lgamma
from .functions import log as log
from .functions import log10 as log10
from .functions import log1p as log1p
from .functions import log2 as log2
from .functions import log_expit as log_expit
from .functions import log_ndtr as log_ndtr
from .functions import log_sigmoid as log_sigmoid
from .functions import log_softmax as log_softmax
from .functions import logaddexp as logaddexp
from .functions import logical_and as logical_and
from .functions import logical_not as logical_not
from .functions import logical_or as logical_or
from .functions import logical_xor as logical_xor
from .functions import logsumexp as logsumexp
from .functions import maximum as maximum
from .functions import mean as mean
from .functions import minimum as minimum
from .functions import mod as mod
from .functions import multiply as multiply
from .functions import ndtr as ndtr
from .functions import ndtri as ndtri
from .functions import negative as negative
from .functions import norm as norm
from .functions import not_equal as not_equal
from .functions import ones as ones
from .functions import ones_like as ones_like
from .functions import pow as pow
from .functions import power as power
from .functions import prod as prod
from .functions import psi as psi
from .functions import reciprocal as reciprocal
from .functions import relu as relu
from .functions import remainder as remainder
from .functions import rint as rint
from .functions import sigmoid as sigmoid
from .functions import sign as sign
from .functions import sin as sin
from .functions import sinc as sinc
from .functions import sinh as sinh
from .functions import softmax as softmax
from .functions import softplus as softplus
from .functions import sqrt as sqrt
from .functions import square as square
from .functions import stack as stack
from .functions import subtract as subtract
from .functions import sum as sum
from .functions import tan as tan
from .functions import tanh as tanh
from .functions import true_divide as true_divide
from .functions import trunc as trunc
from .functions import where as where
from .functions import xlog1py as xlog1py
from .functions import xlogy as xlogy
from .functions import zeros as zeros
from .functions import zeros_like as zeros_like
# fmt: on
# </generated>
from .program import Program as Program
from .record import record as record
from .tape import Tape as Tape
from .tracer import Var as Var
from .transforms import grad as grad
from .transforms import value_and_grad as value_and_grad

__version__ = "0.1.0"

# What `from jittape import *` brings: nothing that shadows a builtin.
__all__ = [
    "grad",
    "record",
    "value_and_grad",
    "var",
    # <generated: star>
    # fmt: off
    "absolute",
    "acos",
    "acosh",
    "add",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "array",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "clip",
    "concatenate",
    "copysign",
    "cos",
    "cosh",
    "digamma",
    "divide",
    "dot",
    "equal",
    "erf",
    "erfc",
    "erfinv",
    "exp",
    "exp2",
    "expit",
    "expm1",
    "fabs",
    "fix",
    "floor",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "full",
    "full_like",
    "gamma",
    "gammaln",
    "greater",
    "greater_equal",
    "hypot",
    "i0e",
    "i1e",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "lgamma",
    "log",
    "log10",
    "log1p",
    "log2",
    "log_expit",
    "log_ndtr",
    "log_sigmoid",
    "log_softmax",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logsumexp",
    "maximum",
    "mean",
    "minimum",
    "mod",
    "multiply",
    "ndtr",
    "ndtri",
    "negative",
    "norm",
    "not_equal",
    "ones",
    "ones_like",
    "power",
    "prod",
    "psi",
    "reciprocal",
    "relu",
    "remainder",
    "rint",
    "sigmoid",
    "sign",
    "sin",
    "sinc",
    "sinh",
    "softmax",
    "softplus",
    "sqrt",
    "square",
    "stack",
    "subtract",
    "tan",
    "tanh",
    "true_divide",
    "trunc",
    "where",
    "xlog1py",
    "xlogy",
    "zeros",
    "zeros_like",
    # fmt: on
    # </generated>
]
