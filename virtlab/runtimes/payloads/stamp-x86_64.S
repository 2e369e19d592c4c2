# The payload of every rung that shares the host's clock: a whole static ELF program, without a
# linker's or a C library's start-up in it.
#
#   1. read CLOCK_MONOTONIC and write it to standard output as two 64-bit integers (s, ns)
#   2. wait for a byte or the end of standard input
#   3. exit with status 0
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

_start:
        subq    $16, %rsp
        movl    $228, %eax                          # clock_gettime(CLOCK_MONOTONIC, rsp)
        movl    $1, %edi
        movq    %rsp, %rsi
        syscall
        movl    $1, %eax                            # write(1, rsp, 16)
        movl    $1, %edi
        movq    %rsp, %rsi
        movl    $16, %edx
        syscall
        xorl    %eax, %eax                          # read(0, rsp, 1)
        xorl    %edi, %edi
        movq    %rsp, %rsi
        movl    $1, %edx
        syscall
        movl    $60, %eax                           # exit(0)
        xorl    %edi, %edi
        syscall
end:
