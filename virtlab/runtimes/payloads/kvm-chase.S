# A guest that follows a chain of pointers in its memory, from rbx on, for rcx steps, then ends. Each
# step needs the one before, so what it waits for cannot be hidden.
.code64
.globl _start
_start:
        movq    (%rbx), %rbx
        decq    %rcx
        jnz     _start
done:
        movw    $0xf4, %dx
        outb    %al, %dx
        jmp     done
