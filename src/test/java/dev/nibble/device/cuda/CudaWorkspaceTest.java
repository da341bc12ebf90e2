package dev.nibble.device.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.AttentionForm;
import dev.nibble.device.AttentionOperation;
import dev.nibble.device.Buffer;
import dev.nibble.device.ElementType;
import dev.nibble.device.KvLayout;
import dev.nibble.device.KvPages;
import dev.nibble.device.KvType;
import dev.nibble.device.NeedsCuda;
import dev.nibble.device.Operation;
import dev.nibble.device.RowCount;
import dev.nibble.device.StepForm;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What is planned for steps beside their buffers is what a CUDA device allocates for them. */
@ExtendWith(NeedsCuda.class)
class CudaWorkspaceTest {
    private static final int HEADS = 8;
    private static final int TABLE = 64;

    @Test
    void attentionTakesWhatIsPlanned() {
        KvLayout layout = new KvLayout(2, 64, 64, KvType.F16, KvType.F16, 32);
        Set<Integer> limits = Set.of(1, 3, 48);
        long planned;
        try (CudaDevice device = CudaDevice.open(CudaPlatform.system(), 0);
                KvPages cache = device.allocateKv(layout, 4)) {
            planned = device.workspaceBytes(new StepForm(limits, HEADS, layout, (long) TABLE * 32, 0, 0));
            assertTrue(planned > 0, "one part each");
            long taken = ProductLeftovers.bytes(device.traits());
            for (int limit : limits) {
                RowCount rows = new RowCount(device.allocate(ElementType.I32, 1, 1), limit);
                Operation attention = attention(device, rows, cache);
                long free = device.freeMemory();
                device.prepare(List.of(attention));
                taken += free - device.freeMemory();
            }
            assertEquals(planned, taken);
        }
    }

    @Test
    void productsTakeWhatIsPlannedOnce() {
        KvLayout layout = new KvLayout(2, 64, 64, KvType.F16, KvType.F16, 32);
        try (CudaDevice device = CudaDevice.open(CudaPlatform.system(), 0)) {
            long free = device.freeMemory();
            device.leftovers();
            device.leftovers();
            long planned = device.workspaceBytes(new StepForm(Set.of(), HEADS, layout, 32, 0, 0));
            assertEquals(planned, free - device.freeMemory());
        }
    }

    private static Operation attention(CudaDevice device, RowCount rows, KvPages cache) {
        int limit = rows.limit();
        Buffer positions = device.allocate(ElementType.I32, limit, 1);
        Buffer slots = device.allocate(ElementType.I32, limit, 1);
        Buffer table = device.allocate(ElementType.I32, 2, TABLE);
        Buffer q = device.allocate(ElementType.F32, limit, HEADS * 64);
        Buffer out = device.allocate(ElementType.F32, limit, HEADS * 64);
        AttentionForm form = new AttentionForm(HEADS, 0.125f, 0, 0);
        return new AttentionOperation.Attention(rows, positions, slots, table, q, cache, form, null, out);
    }
}
