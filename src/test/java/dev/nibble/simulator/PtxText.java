package dev.nibble.simulator;

/** PTX of kernels for tests: what is the same in all of them around what is special. */
final class PtxText {
    private PtxText() {}

    /** A module with variables or functions, and a kernel {@code test} of a body: see {@link #kernel(String)}. */
    static String module(String declarations, String body) {
        return ".version 7.8\n.target sm_80\n.address_size 64\n" + declarations + entry(body);
    }

    /**
     * A kernel {@code test} (p0: address, p1: address, p2: 32 bits). Its body finds p0 and p1 in %d0 and %d1, p2 in %r0, the thread's
     * number in its block in %r1 and in the grid in %r2, and in %d2 the address of that many words behind p0.
     */
    static String kernel(String body) {
        return module("", body);
    }

    private static String entry(String body) {
        return """
                .visible .entry test(.param .u64 p0, .param .u64 p1, .param .u32 p2)
                {
                    .reg .pred %p<8>;
                    .reg .b16 %h<8>;
                    .reg .b32 %r<32>;
                    .reg .f32 %f<8>;
                    .reg .b64 %d<16>;
                    ld.param.u64 %d0, [p0];
                    ld.param.u64 %d1, [p1];
                    ld.param.u32 %r0, [p2];
                    mov.u32 %r1, %tid.x;
                    mov.u32 %r30, %ctaid.x;
                    mov.u32 %r31, %ntid.x;
                    mad.lo.s32 %r2, %r30, %r31, %r1;
                    mul.wide.u32 %d2, %r2, 4;
                    add.s64 %d2, %d0, %d2;
                """ + body + "\nret;\n}\n";
    }
}
