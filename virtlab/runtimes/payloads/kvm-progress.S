# A guest that counts up in rax and leaves every number at the address in rbx, until it reaches rcx;
# then it ends. Whoever holds its memory sees how far it has come, without an exit.
.code64
.globl _start
_start:
        incq    %rax
        movq    %rax, (%rbx)
        cmpq    %rcx, %rax
        jne     _start
done:
        movw    $0xf4, %dx
        outb    %al, %dx
        jmp     done
