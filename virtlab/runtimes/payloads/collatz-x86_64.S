# One function, as machine code of two instruction sets; see collatz-aarch64.S for the other.
#
# repeat(n, times): how many steps n takes to 1 (halve an even number, make 3n + 1 of an odd one),
# found `times` times over and added up. It stands at offset 0x78, touches no memory, and may be
# copied anywhere: a processor, an emulator or a bare guest calls it there.
#
# The file is a whole static ELF program too. It reads n and times as two 64-bit integers from
# standard input and writes five: the sum, and CLOCK_MONOTONIC before and after (s, ns, s, ns).
#
#   make (see the Makefile beside)
.code64
.set base, 0x400000
.globl _start

elf_header:
        .byte 0x7f, 'E', 'L', 'F', 2, 1, 1, 0       # 64-bit, little-endian, System V
        .quad 0
        .word 2, 62                                 # executable, x86-64
        .long 1
        .quad base + (_start - elf_header)
        .quad program_header - elf_header
        .quad 0                                     # no sections
        .long 0
        .word 64, 56, 1, 0, 0, 0
program_header:
        .long 1, 5                                  # load; read and execute
        .quad 0, base, base
        .quad end - elf_header, end - elf_header
        .quad 0x1000

repeat:                                             # rdi: n, rsi: times; rax: the sum
        xorl    %eax, %eax
each:
        movq    %rdi, %rdx
step:
        cmpq    $1, %rdx
        je      next
        incq    %rax
        testb   $1, %dl
        jnz     odd
        shrq    $1, %rdx
        jmp     step
odd:
        leaq    1(%rdx,%rdx,2), %rdx
        jmp     step
next:
        decq    %rsi
        jnz     each
        ret

_start:
        subq    $64, %rsp
        xorl    %eax, %eax                          # read(0, rsp + 40, 16)
        xorl    %edi, %edi
        leaq    40(%rsp), %rsi
        movl    $16, %edx
        syscall
        cmpq    $16, %rax
        jne     fail
        movl    $228, %eax                          # clock_gettime(CLOCK_MONOTONIC, rsp + 8)
        movl    $1, %edi
        leaq    8(%rsp), %rsi
        syscall
        movq    40(%rsp), %rdi
        movq    48(%rsp), %rsi
        call    repeat
        movq    %rax, (%rsp)
        movl    $228, %eax                          # clock_gettime(CLOCK_MONOTONIC, rsp + 24)
        movl    $1, %edi
        leaq    24(%rsp), %rsi
        syscall
        movl    $1, %eax                            # write(1, rsp, 40)
        movl    $1, %edi
        movq    %rsp, %rsi
        movl    $40, %edx
        syscall
        xorl    %edi, %edi                          # exit(0)
        jmp     leave
fail:
        movl    $1, %edi                            # exit(1)
leave:
        movl    $60, %eax
        syscall
end:
