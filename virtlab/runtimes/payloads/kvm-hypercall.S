# A guest that asks the VMM rcx times for the service whose number is in rdi, adds up the answers in
# rbx, and ends. The request is a write to port 0xe0, the answer a read from it: a hypercall by the
# only means that every KVM hands on to the VMM (what VMCALL asks, KVM answers itself).
.code64
.globl _start
_start:
        movw    $0xe0, %dx
        movl    %edi, %eax
        outl    %eax, %dx
        inl     %dx, %eax
        addq    %rax, %rbx
        decq    %rcx
        jnz     _start
done:
        movw    $0xf4, %dx
        outb    %al, %dx
        jmp     done
