# A guest that knows its monitor, and asks it to write rcx bytes from the address in rbx: up to rdi
# bytes with each request. A request is one write to port 0xe0. The monitor finds the address in rbx
# and the number of bytes in rsi, and takes them out of the guest's memory by itself.
.code64
.globl _start
_start:
        movq    %rdi, %rsi
        cmpq    %rcx, %rsi
        cmovaq  %rcx, %rsi
        movw    $0xe0, %dx
        outl    %eax, %dx
        addq    %rsi, %rbx
        subq    %rsi, %rcx
        jnz     _start
done:
        movw    $0xf4, %dx
        outb    %al, %dx
        jmp     done
