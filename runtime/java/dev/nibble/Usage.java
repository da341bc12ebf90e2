package dev.nibble;

import java.time.Duration;

/**
 * What a generation took.
 *
 * @param promptTokens tokens of the prompt
 * @param cachedTokens those of them that the cache still held
 * @param generatedTokens tokens generated
 * @param promptTime from the request to the first token
 * @param generationTime from the first token to the last
 */
public record Usage(
        int promptTokens, int cachedTokens, int generatedTokens, Duration promptTime, Duration generationTime) {}
