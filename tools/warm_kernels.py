"""Kernels that start at once: a process imports what most notebooks import, and is forked for each

It imports what others made. The course itself, and fastai, which warns on import, are imported by
each notebook anew, so that what a reader would see is seen.
"""
import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Thread

from jupyter_client.manager import AsyncKernelManager

# Not `matplotlib.pyplot`, which looks when it is imported whether it is in a notebook
IMPORTED = ('fastcore.all', 'fastcore.test', 'ipykernel.kernelapp', 'matplotlib.figure', 'numba',
            'matplotlib.backends.backend_agg', 'pandas', 'PIL.Image', 'safetensors.numpy',
            'scipy.sparse', 'scipy.stats', 'sklearn.metrics', 'torch', 'torchvision')
# What the environment of each holds
ENV = {'OMP_NUM_THREADS': '1', 'TQDM_DISABLE': '1', 'PYTHONHASHSEED': '0',
       'MPLBACKEND': 'module://matplotlib_inline.backend_inline'}


def become_kernel(connection):
    "In a forked process: what `python -m ipykernel` does, with the folder and variables asked for"
    from ipykernel.kernelapp import IPKernelApp # which is there already
    asked = json.loads(connection.makefile().readline())
    os.setsid()
    os.chdir(asked['folder'])
    os.environ.clear()
    os.environ.update(asked['variables'], JPY_PARENT_PID=str(os.getppid()))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    def obey():
        while connection.recv(1): os.kill(os.getpid(), signal.SIGINT)
        os._exit(1) # who asked is gone
    Thread(target=obey, daemon=True).start()
    sys.path[0], sys.argv = '', asked['argv']
    IPKernelApp.launch_instance(sys.argv[1:])
    os._exit(0)


def serve(address):
    "Import, then fork a kernel for each connection, until stdin ends"
    for name in IMPORTED: import_module(name)
    sys.modules['pandas'].set_option('display.max_columns', 20) # as where it finds a notebook
    threads = {path.read_text().strip() for path in Path('/proc/self/task').glob('*/comm')}
    assert len(threads - {'jemalloc_bg_thd'}) == 1, f'a fork would lack {threads}' # jemalloc forks
    signal.signal(signal.SIGCHLD, signal.SIG_IGN) # kernels that end leave nothing behind
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print('ready', flush=True)
        while sys.stdin not in select.select([sys.stdin, listener], [], [])[0]:
            with listener.accept()[0] as connection:
                if not os.fork(): become_kernel(connection)


# What is run in a kernel's place: it asks for one, hands an interrupt on, and ends with it
ASK = '''
import json, os, signal, socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    signal.signal(signal.SIGINT, lambda *_: s.send(b'i'))
    asked = {'argv': sys.argv[2:], 'folder': os.getcwd(), 'variables': dict(os.environ)}
    s.sendall(json.dumps(asked).encode() + b'\\n')
    try: s.recv(1)
    except ConnectionError: pass # it ended with an interrupt on its way
'''


@cache
def server():
    "Start the process that is forked, which ends with this one; the address that it listens at"
    folder = tempfile.TemporaryDirectory()
    line = [sys.executable, __file__, f'{folder.name}/kernels']
    process = subprocess.Popen(line, env={**os.environ, **ENV}, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == 'ready\n', 'what notebooks import cannot be imported'
    atexit.register(folder.cleanup)
    atexit.register(process.communicate)
    return line[-1]


class WarmKernel(AsyncKernelManager):
    "Starts a kernel by asking for a fork of a process that has imported what takes long"
    def format_kernel_cmd(self, extra_arguments=None):
        command = super().format_kernel_cmd(extra_arguments)
        return [sys.executable, '-ISc', ASK, server(), *command[command.index('ipykernel_launcher'):]]


if __name__ == '__main__': serve(sys.argv[1])
