<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Session;

/**
 * The secrets of one connection: the one that signs, and the previous one while the portal may not know the new one.
 */
final readonly class KeyRing
{
    public const MIN_BYTES = 32;

    /**
     * @param list<string> $keys oldest to newest, at most two
     */
    public function __construct(
        #[\SensitiveParameter]
        private array $keys,
    ) {
        if ($keys === []) {
            throw new KeyMissing('There is no signing key', 1764140001);
        }
        if (count($keys) > 2) {
            throw new KeyMissing('There are more than two signing keys: only the previous and the current one', 1764140002);
        }
        foreach ($keys as $key) {
            if (strlen($key) < self::MIN_BYTES) {
                throw new KeyMissing('A signing key is shorter than ' . self::MIN_BYTES . ' bytes', 1764140003);
            }
        }
    }

    /**
     * The key to sign with, and after it the previous one: the portal may have been given the new one later than TYPO3.
     *
     * @return list<string> newest first
     */
    public function newestFirst(): array
    {
        return array_reverse($this->keys);
    }

    /**
     * Short ids that tell keys apart and give nothing away, newest first; for the back end.
     *
     * @return list<string>
     */
    public function ids(): array
    {
        return array_map(self::id(...), $this->newestFirst());
    }

    public static function id(#[\SensitiveParameter] string $key): string
    {
        return substr(hash_hmac('sha256', 'mieterportal.key.id', $key), 0, 8);
    }

    /**
     * @return array<string, string> what dumps and traces may show
     */
    public function __debugInfo(): array
    {
        return ['keys' => implode(', ', $this->ids())];
    }
}
