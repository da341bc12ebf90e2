package dev.nibble.device.kernel;

import dev.nibble.device.AttentionOperation;
import dev.nibble.device.NormKind;
import dev.nibble.device.Operation;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Neighbouring operations that one launch does: queries and keys are normalised if the model does that, turned, and the keys written
 * to the cache with their values.
 *
 * @param queryNorm of the queries' heads, in place, or none
 * @param query the queries
 * @param keyNorm of the keys' heads, in place, or none
 * @param key the keys
 * @param write what follows
 */
record TurnedHeads(
        Operation.@Nullable Norm queryNorm,
        Operation.Rope query,
        Operation.@Nullable Norm keyNorm,
        Operation.Rope key,
        AttentionOperation.WriteKv write) {

    /** What begins at a place in a list of operations; none if what stands there is not all of this. */
    static @Nullable TurnedHeads at(List<Operation> operations, int place) {
        Operation.Norm queryNorm = operations.get(place) instanceof Operation.Norm norm ? norm : null;
        int queryPlace = queryNorm == null ? place : place + 1;
        int keyPlace = queryPlace + (queryNorm == null ? 1 : 2);
        if (keyPlace + 1 >= operations.size()
                || !(operations.get(queryPlace) instanceof Operation.Rope query)
                || !(operations.get(keyPlace) instanceof Operation.Rope key)
                || !(operations.get(keyPlace + 1) instanceof AttentionOperation.WriteKv write)) {
            return null;
        }
        Operation.Norm keyNorm =
                queryNorm != null && operations.get(keyPlace - 1) instanceof Operation.Norm norm ? norm : null;
        TurnedHeads heads = new TurnedHeads(queryNorm, query, keyNorm, key, write);
        return heads.isWhole() ? heads : null;
    }

    private boolean isWhole() {
        return write.rows().equals(query.rows())
                && write.positions() == query.positions()
                && write.k() == key.x()
                && write.v() != query.x()
                && write.cache().layout().keySize() == key.headSize()
                && agree(query, key)
                && (queryNorm == null) == (keyNorm == null)
                && precedes(queryNorm, query)
                && precedes(keyNorm, key)
                && (queryNorm == null || keyNorm == null || queryNorm.epsilon() == keyNorm.epsilon());
    }

    /** Whether two differ in what they turn alone. */
    private static boolean agree(Operation.Rope one, Operation.Rope other) {
        return one.x() != other.x()
                && one.rows().equals(other.rows())
                && one.positions() == other.positions()
                && one.headSize() == other.headSize()
                && one.style() == other.style()
                && one.frequencies() == other.frequencies()
                && one.magnitude() == other.magnitude();
    }

    private static boolean precedes(Operation.@Nullable Norm norm, Operation.Rope rope) {
        return norm == null
                || norm.kind() == NormKind.RMS
                        && norm.bias() == null
                        && norm.x() == rope.x()
                        && norm.out() == rope.x()
                        && norm.weight().width() == rope.headSize()
                        && norm.rows().equals(rope.rows());
    }

    /** How many operations it stands for. */
    int count() {
        return queryNorm == null ? 3 : 5;
    }
}
