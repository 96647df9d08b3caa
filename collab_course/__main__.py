"The command `collab_course`, and `python -m collab_course`: from here on Ctrl-C is one line"
import sys


def main():
    "Run the command line; an interrupt ends it with one line and code 130, wherever it arrives"
    seen = []
    try:
        _note_interrupts(seen)
        from collab_course.app import main
        main()
    except BaseException as e: # also where a library has made another error of the interrupt
        if isinstance(e, SystemExit) or not (seen or isinstance(e, KeyboardInterrupt)): raise
        _ignore_interrupts()
        try: print('\ncollab_course: interrupted', file=sys.stderr)
        except (OSError, ValueError): pass # nobody reads it
        raise SystemExit(130) from None
    finally: _ignore_interrupts() # while Python ends there is nothing left to stop


def _note_interrupts(seen):
    "Ctrl-C adds to `seen`; in numba's compiler it waits, and one lost in a destructor comes again"
    import signal
    from threading import Timer

    def stop(*_):
        seen.append(1)
        if not _compiling(): raise KeyboardInterrupt
        Timer(.05, signal.raise_signal, [signal.SIGINT]).start()

    def again(lost):
        if not isinstance(lost.exc_value, KeyboardInterrupt): return sys.__unraisablehook__(lost)
        Timer(.05, signal.raise_signal, [signal.SIGINT]).start()

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler: return # as `nohup` has it
    sys.unraisablehook = again
    signal.signal(signal.SIGINT, stop)


def _compiling():
    "Is numba's compiler at work in this thread? Broken off, it leaves LLVM with half of its parts"
    lock = getattr(sys.modules.get('numba.core.compiler_lock'), 'global_compiler_lock', None)
    return bool(lock and lock.is_locked())


def _ignore_interrupts():
    import signal
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    exec('pass') # Python forgets one inside another `exec`, for which it would end by the signal


if __name__ == '__main__': main()
