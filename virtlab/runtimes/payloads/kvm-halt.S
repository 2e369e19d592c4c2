# A guest that halts rcx times, then ends; only ring 0 may halt. The VMM resumes it each time.
.code64
.globl _start
_start:
        hlt
        decq    %rcx
        jnz     _start
done:
        movw    $0xf4, %dx
        outb    %al, %dx
        jmp     done
