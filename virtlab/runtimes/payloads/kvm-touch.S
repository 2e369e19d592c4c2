# A guest that writes one byte to each of rcx pages of 4096 bytes, from rbx on, then ends. What it
# writes first, the host must first find a page frame for.
.code64
.globl _start
_start:
        movb    $1, (%rbx)
        addq    $4096, %rbx
        decq    %rcx
        jnz     _start
done:
        movw    $0xf4, %dx
        outb    %al, %dx
        jmp     done
