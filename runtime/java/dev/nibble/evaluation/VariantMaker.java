package dev.nibble.evaluation;

import java.io.IOException;
import java.nio.file.Path;

/** Makes a model of other types of weights out of the base. */
@FunctionalInterface
interface VariantMaker {
    /** Makes one, in a file that is the caller's to delete. */
    Path make(String type) throws IOException;
}
