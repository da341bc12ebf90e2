package dev.nibble.device.reference;

import dev.nibble.device.Operation.Embed;
import dev.nibble.device.Operation.Gather;

/** Rows picked from tables. */
final class LookupKernels {
    private LookupKernels() {}

    static void embed(Embed embed, Rows rows) {
        ReferenceWeight table = (ReferenceWeight) embed.table();
        float[] out = ReferenceBuffer.floats(embed.out());
        int width = embed.out().width();
        float[] values = new float[width];
        for (int row = 0; row < rows.count(); row++) {
            int id = rows.index(row, embed.ids(), row, "token id", table.shape().rows());
            table.decode(id, values);
            System.arraycopy(values, 0, out, row * width, width);
        }
    }

    static void gather(Gather gather, Rows rows) {
        float[] source = ReferenceBuffer.floats(gather.source());
        float[] out = ReferenceBuffer.floats(gather.out());
        int width = gather.out().width();
        for (int row = 0; row < rows.count(); row++) {
            int index = rows.index(
                    row, gather.indices(), row, "source row", gather.source().rows());
            System.arraycopy(source, index * width, out, row * width, width);
        }
    }
}
