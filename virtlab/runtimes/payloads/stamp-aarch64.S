// The payload of every rung that shares the host's clock, for 64-bit Arm; see stamp-x86_64.S.
//
//   make stamp-aarch64.bin (see the Makefile beside)
.set base, 0x400000
.globl _start

elf_header:
        .byte 0x7f, 'E', 'L', 'F', 2, 1, 1, 0       // 64-bit, little-endian, System V
        .quad 0
        .hword 2, 183                               // executable, AArch64
        .word 1
        .quad base + (_start - elf_header)
        .quad program_header - elf_header
        .quad 0                                     // no sections
        .word 0
        .hword 64, 56, 1, 0, 0, 0
program_header:
        .word 1, 5                                  // load; read and execute
        .quad 0, base, base
        .quad end - elf_header, end - elf_header
        .quad 0x1000

_start:
        sub     sp, sp, #16
        mov     x8, #113                            // clock_gettime(CLOCK_MONOTONIC, sp)
        mov     x0, #1
        mov     x1, sp
        svc     #0
        mov     x8, #64                             // write(1, sp, 16)
        mov     x0, #1
        mov     x1, sp
        mov     x2, #16
        svc     #0
        mov     x8, #63                             // read(0, sp, 1)
        mov     x0, #0
        mov     x1, sp
        mov     x2, #1
        svc     #0
        mov     x8, #93                             // exit(0)
        mov     x0, #0
        svc     #0
end:
