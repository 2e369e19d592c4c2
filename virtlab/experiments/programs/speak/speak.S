# A program that asks a shared library, libword.so, for a word, and writes it. It needs nothing else.
.globl _start
_start:
        call    word@PLT                            # rax: where it is, rdx: how long
        movq    %rax, %rsi
        movl    $1, %eax                            # write(1, …)
        movl    $1, %edi
        syscall
        xorl    %edi, %edi                          # exit(0)
        movl    $60, %eax
        syscall
