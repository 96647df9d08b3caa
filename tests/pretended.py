"""A GPU that is not there: every tensor says where it stands, and two places must not meet

`with pretend('mps:0'):` makes PyTorch and fastai believe in a GPU. Tensors that are moved or made
there are ordinary ones, so that all sums run and give what they give; only their storage carries
the name of the device. Views, `detach`, `.data` and gradients share or inherit it, since every
operation, also in a backward pass and inside optimizers, comes by a `TorchDispatchMode`, which
names the result like its inputs and raises what a GPU would raise where they disagree. What asks
for a device by name or looks at `.device` is seen by a `TorchFunctionMode`, before PyTorch would
notice that there is none. (A backend of one's own for the key PrivateUse1 would need compiled
code; `meta` and `FakeTensorMode` have no values; a wrapper subclass hides its values from fused
optimizers and from `param.data = ...`.)
"""
from contextlib import ExitStack, contextmanager, nullcontext
from unittest import mock

import numpy as np
import torch
import torch._dynamo # which looks at what is patched here, once, when it is first wanted
from torch.overrides import TorchFunctionMode
from torch.utils._device import _device_constructors
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

CPU, A_CARD = torch.device('cpu'), 8e9 # bytes of memory
Tensor = torch.Tensor
# Take their tensors from anywhere
MOVING = {'copy_', '_to_copy', '_local_scalar_dense', 'set_', 'lift_fresh', 'detach', 'alias'}
INDEXING = {'index', 'index_put', 'index_put_', '_index_put_impl_'}
# A single number may come from the CPU though they do not work number by number
WITH_NUMBERS = {'fill_', 'masked_fill', 'masked_fill_', *INDEXING}


def storage(t):
    "Where its numbers are; a sparse tensor has them in its values"
    return (t if t.layout == torch.strided else t.values()).untyped_storage()


def place(t):
    "Where a tensor stands"
    return getattr(storage(t), 'place', CPU)


def put(t, device):
    "Say that a tensor stands on `device`"
    if device.type == 'mps' and t.dtype == torch.float64:
        raise TypeError("MPS has no float64: use float32")
    storage(t).place = device
    return t


class Move(torch.autograd.Function):
    "A copy on another device, whose gradient comes back"
    @staticmethod
    def forward(ctx, x, device):
        ctx.device, ctx.here = place(x), device
        return put(x.detach().clone(), device)

    @staticmethod
    def backward(ctx, g):
        if place(g) != ctx.here: meet('backward', {place(g), ctx.here})
        return put(g.detach().clone(), ctx.device), None


def meet(name, places):
    "The error of a GPU whose operation gets tensors from elsewhere"
    found = ' and '.join(sorted(map(str, places)))
    raise RuntimeError(f'Expected all tensors to be on the same device, but {name} found {found}')


def tensors(tree): return [o for o in tree_flatten(tree)[0] if isinstance(o, Tensor)]

def agree(name, given, numbers, written=False):
    "One place for all; where `numbers`, a single number that is only read may be on the CPU"
    def may_be_anywhere(o): return numbers and o.dim() == 0 and place(o) == CPU and o is not written
    places = {place(o) for o in given if not may_be_anywhere(o)}
    if len(places) > 1: meet(name, places)


class Operations(TorchDispatchMode):
    "Every operation: do its tensors stand together? The result stands there, too"
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, func._schema.name.removeprefix('aten::')
        given = tensors((args, kwargs))
        if name not in MOVING: self.check(func, name, args, given)
        res = func(*args, **kwargs)
        if given: self.name_results(name, args, given, tensors(res))
        return res

    def name_results(self, name, args, given, results):
        "What is new stands where the inputs stand; of lists, position by position"
        known = {storage(o)._cdata for o in given}
        gpu = next((place(o) for o in given if place(o) != CPU), CPU)
        if name in MOVING: gpu = place(given[0])
        for i, t in enumerate(results):
            if storage(t)._cdata in known: continue
            put(t, place(args[0][i]) if name.startswith('_foreach_') else gpu)

    def check(self, func, name, args, given):
        if name.startswith('_foreach_'): # a tensor of each list at a time
            lists = [o for o in args if isinstance(o, (list, tuple)) and tensors(o)]
            for together in zip(*lists): agree(name, together, numbers=True)
            return
        if name in INDEXING: # the rows may be on the CPU
            rows = [o for o in args[1] if o is not None]
            places = {place(args[0]), *(place(o) for o in rows)}
            if len(places - {CPU}) + (place(args[0]) == CPU) > 1: meet(name, places)
            given = [args[0], *tensors(args[2:3])]
        numbers = torch.Tag.pointwise in func.tags or name in WITH_NUMBERS
        agree(name, given, numbers, written=func._schema.is_mutable and args[0])


class Names(TorchFunctionMode):
    "Every call from Python: what names a device, or asks for one"
    def __init__(self, default=CPU):
        super().__init__()
        self.default, self.makers = default, set(_device_constructors())

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs, name = dict(kwargs or {}), getattr(func, '__name__', '')
        if name == '__get__':
            answer = self.property(func, args[0])
            if answer is not None: return answer
        if func in (Tensor.numpy, Tensor.__array__) and place(args[0]) != CPU:
            raise TypeError(f"can't convert {place(args[0])} device type tensor to numpy. "
                            'Use Tensor.cpu() to copy the tensor to host memory first.')
        if func is Tensor.get_device: return place(args[0]).index if place(args[0]) != CPU else -1
        if func is Tensor.__deepcopy__: return self.deepcopy(func, args, kwargs)
        if func in (Tensor.to, Tensor.cuda, Tensor.cpu): return self.move(func, args, kwargs)
        asked = kwargs.get('device')
        if name == '_parse_to' or func not in self.makers and asked is None:
            return func(*args, **kwargs)
        return self.make(func, args, kwargs, self.default if asked is None else full(asked))

    def property(self, func, t):
        is_a = {Tensor.is_cuda.__get__: 'cuda', Tensor.is_mps.__get__: 'mps',
                Tensor.is_cpu.__get__: 'cpu'}
        if func == Tensor.device.__get__: return place(t)
        for getter, kind in is_a.items():
            if func == getter: return place(t).type == kind

    def deepcopy(self, func, args, kwargs):
        res = func(*args, **kwargs)
        put(res, place(args[0]))
        if args[0].grad is not None: put(res.grad, place(args[0].grad))
        return res

    def move(self, func, args, kwargs):
        x, *rest = args
        if func is Tensor.cpu: return self.moved(x, CPU)
        if func is Tensor.cuda: return self.moved(x, full(([*rest, None])[0] or 'cuda'))
        if rest and isinstance(rest[0], Tensor): rest[:1] = [place(rest[0]), rest[0].dtype]
        named = [o for o in rest if isinstance(o, (str, torch.device)) or type(o) is int]
        dtypes = [o for o in (*rest, kwargs.get('dtype')) if isinstance(o, torch.dtype)]
        device = named[0] if named else kwargs.get('device')
        if dtypes: x = x.to(dtypes[0])
        return self.moved(x, place(x) if device is None else full(device), kwargs.get('copy'))

    def moved(self, x, device, copy=False):
        if place(x) == device: return x.clone() if copy else x
        return Move.apply(x, device)

    def make(self, func, args, kwargs, device):
        "Something new on `device`: made on the CPU, and called otherwise"
        kwargs = {**kwargs, 'device': CPU}
        if device != getattr(kwargs.get('generator'), 'place', device):
            raise RuntimeError(f"Expected a '{device.type}' device type for generator, not 'cpu'")
        res = func(*args, **kwargs)
        if place(res) == device: return res
        if any(isinstance(o, Tensor) for o in args): res = res.clone() # `as_tensor` may share
        return put(res, device)


class Generator(torch._C.Generator):
    "A generator that says where it stands"
    def __new__(cls, device='cpu'):
        gen = super().__new__(cls, 'cpu')
        gen.place = full(device)
        return gen


class Graph(TorchDispatchMode):
    "A CUDA graph: what is asked inside is recorded, and made again with the same tensors"
    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if 'local_scalar' in func._schema.name: raise RuntimeError('not permitted when stream is capturing')
        res = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, res))
        return res

    def replay(self):
        for func, args, kwargs, res in self.calls:
            given = {storage(o)._cdata for o in tensors((args, kwargs))}
            for old, new in zip(tensors(res), tensors(func(*args, **kwargs))):
                if storage(old)._cdata not in given: old.copy_(new)


def full(device):
    "A device with its index, as tensors have it"
    device = torch.device(device)
    return device if device == CPU or device.index is not None else torch.device(device.type, 0)


def of_its_memory_and_streams():
    "One stream, and a card of eight gigabytes"
    yield mock.patch('torch.cuda.mem_get_info', lambda device: (int(A_CARD), int(A_CARD)))
    for name in ('memory_reserved', 'memory_allocated', 'max_memory_allocated'):
        yield mock.patch(f'torch.cuda.{name}', lambda device: 0)
    for name in ('empty_cache', 'reset_peak_memory_stats'):
        yield mock.patch(f'torch.cuda.{name}', lambda *device: None)
    for name in ('Stream', 'current_stream'): yield mock.patch(f'torch.cuda.{name}', mock.MagicMock())
    for name in ('stream', 'device'): yield mock.patch(f'torch.cuda.{name}', lambda o: nullcontext())
    yield mock.patch('torch.cuda.CUDAGraph', Graph)
    yield mock.patch('torch.cuda.graph', lambda graph: graph)


def seems_to_be_there(kind, gens):
    "What a machine with such a GPU says of itself"
    yield mock.patch('torch.cuda.is_available', lambda: kind == 'cuda')
    yield mock.patch('torch.backends.mps.is_available', lambda: kind == 'mps')
    yield mock.patch('torch.backends.mps.is_built', lambda: kind == 'mps')
    yield mock.patch('torch.mps._get_default_mps_generator', lambda: gens[0])
    yield mock.patch('torch.cuda.device_count', lambda: int(kind == 'cuda'))
    yield mock.patch('torch.cuda.current_device', lambda: torch.device('cuda', 0))
    yield mock.patch('torch.cuda.init', lambda: None)
    yield mock.patch('torch.cuda.default_generators', tuple(gens))
    yield mock.patch('torch.cuda.manual_seed_all', lambda seed: gens[0].manual_seed(seed))
    for module in ('torch.cuda', 'torch.mps'):
        yield mock.patch(f'{module}.synchronize', lambda *where: None)
        yield mock.patch(f'{module}.get_rng_state', lambda: gens[0].get_state())
    yield mock.patch('torch.cuda.get_device_name', lambda device: 'Pretended GPU')
    yield mock.patch('torch.Generator', Generator)
    yield from of_its_memory_and_streams()
    for name in ('_cuda_graph_capture_health_check', '_accelerator_graph_capture_health_check'):
        if hasattr(torch.optim.Optimizer, name): # asks a GPU's stream
            yield mock.patch.object(torch.optim.Optimizer, name, lambda self: None)
    def load(*args, map_location=None, **kwargs):
        there = torch.load_as_it_is(*args, map_location='cpu', **kwargs)
        if map_location is None or full(map_location) == CPU: return there
        for t in tree_flatten(there)[0]:
            if isinstance(t, Tensor): put(t, full(map_location))
        return there
    yield mock.patch('torch.load_as_it_is', torch.load, create=True)
    yield mock.patch('torch.load', load)


@contextmanager
def pretend(device='mps:0', default=CPU):
    "A machine with such a GPU; `default`: where PyTorch makes tensors that name no device"
    device, gens = full(device), [torch.Generator()]
    with ExitStack() as stack:
        for patch in seems_to_be_there(device.type, gens): stack.enter_context(patch)
        stack.enter_context(Operations())
        stack.enter_context(Names(full(default)))
        yield gens[0]
