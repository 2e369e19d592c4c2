// One function, as machine code of two instruction sets; see collatz-x86_64.S for what it does,
// where it stands in the file, and what the whole program reads and writes.
//
//   make collatz-aarch64.bin (see the Makefile beside)
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

repeat:                                             // x0: n, x1: times; x0: the sum
        mov     x2, x0
        mov     x0, xzr
each:
        mov     x3, x2
step:
        cmp     x3, #1
        b.eq    next
        add     x0, x0, #1
        tbnz    x3, #0, odd
        lsr     x3, x3, #1
        b       step
odd:
        add     x3, x3, x3, lsl #1
        add     x3, x3, #1
        b       step
next:
        subs    x1, x1, #1
        b.ne    each
        ret

_start:
        sub     sp, sp, #64
        mov     x8, #63                             // read(0, sp + 40, 16)
        mov     x0, #0
        add     x1, sp, #40
        mov     x2, #16
        svc     #0
        cmp     x0, #16
        b.ne    fail
        mov     x8, #113                            // clock_gettime(CLOCK_MONOTONIC, sp + 8)
        mov     x0, #1
        add     x1, sp, #8
        svc     #0
        ldp     x0, x1, [sp, #40]
        bl      repeat
        str     x0, [sp]
        mov     x8, #113                            // clock_gettime(CLOCK_MONOTONIC, sp + 24)
        mov     x0, #1
        add     x1, sp, #24
        svc     #0
        mov     x8, #64                             // write(1, sp, 40)
        mov     x0, #1
        mov     x1, sp
        mov     x2, #40
        svc     #0
        mov     x0, #0                              // exit(0)
        b       leave
fail:
        mov     x0, #1                              // exit(1)
leave:
        mov     x8, #93
        svc     #0
end:
