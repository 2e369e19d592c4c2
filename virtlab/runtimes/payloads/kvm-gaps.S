# A guest that looks at the clock for rdi cycles and notices when it was away: a step of the clock of
# rsi cycles or more between two looks. Then it ends. It leaves five numbers of 8 bytes each at the
# address in rbx: looks, cycles in all, times away, cycles away, and the longest of these.
.code64
.globl _start
_start:
        xorl    %r10d, %r10d
        xorl    %r11d, %r11d
        xorl    %r12d, %r12d
        xorl    %r13d, %r13d
        rdtsc
        shlq    $32, %rdx
        orq     %rdx, %rax
        movq    %rax, %r8
        movq    %rax, %r9
look:
        incq    %r10
        rdtsc
        shlq    $32, %rdx
        orq     %rdx, %rax
        movq    %rax, %rcx
        subq    %r8, %rcx
        movq    %rax, %r8
        cmpq    %rsi, %rcx
        jb      here
        incq    %r11
        addq    %rcx, %r12
        cmpq    %r13, %rcx
        jbe     here
        movq    %rcx, %r13
here:
        subq    %r9, %rax
        cmpq    %rdi, %rax
        jb      look
        movq    %r10, (%rbx)
        movq    %rax, 8(%rbx)
        movq    %r11, 16(%rbx)
        movq    %r12, 24(%rbx)
        movq    %r13, 32(%rbx)
done:
        movw    $0xf4, %dx
        outb    %al, %dx
        jmp     done
