package dev.nibble.device.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.nibble.device.kernel.PeersContract;
import dev.nibble.foreign.CudaSimulator;
import dev.nibble.simulator.NeedsCudaSimulator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Copies between devices that reach each other and that do not, and within a device. */
@ExtendWith(NeedsCudaSimulator.class)
class CudaPeersTest extends PeersContract {
    private final CudaSimulator simulator = new CudaSimulator();

    @Override
    protected CudaDevice open(int index) {
        return CudaDevice.open(CudaPlatform.system(), index);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void copiesBetweenDevices(boolean peers) {
        simulator.setPeers(peers);
        try (CudaDevice first = open(0);
                CudaDevice second = open(1)) {
            assertEquals(peers, first.reaches(second));
            simulator.fail("");
            copies(first, second);
            copies(second, first);
            assertEquals(peers, simulator.calls("cuMemcpyPeerAsync") > 0);
        } finally {
            simulator.setPeers(true);
        }
    }

    /** Slow copies show what does not wait for them. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void copiesStandInOrder(boolean peers) {
        simulator.setPeers(peers);
        try (CudaDevice first = open(0);
                CudaDevice second = open(1)) {
            simulator.fail("copy@1+=slow:1");
            copies(first, second);
        } finally {
            simulator.fail("");
            simulator.setPeers(true);
        }
    }

    @Test
    void copiesWithinADevice() {
        try (CudaDevice first = open(0);
                CudaDevice same = open(0)) {
            copies(first, same);
            copies(first, first);
        }
    }
}
