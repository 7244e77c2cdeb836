<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Session;

/**
 * Finds the signing keys of a connection in the system configuration (`EXTENSIONS/mieterportal`), the environment or a
 * file; never in site settings, whose values end up in the cache as plain text.
 */
final readonly class KeySource
{
    /**
     * @param array<string, mixed> $configuration `keys`: [connection or `*` => {`key`, `previousKey`, `file`}]
     * @param array<string, string> $environment
     */
    public function __construct(
        #[\SensitiveParameter]
        private array $configuration,
        #[\SensitiveParameter]
        private array $environment = [],
    ) {}

    public static function ofTypo3(): self
    {
        $configuration = $GLOBALS['TYPO3_CONF_VARS']['EXTENSIONS']['mieterportal'] ?? [];

        return new self(is_array($configuration) ? $configuration : [], getenv());
    }

    /**
     * @throws KeyMissing when there is none, or one that is too short; the message names the place to put it
     */
    public function forConnection(string $connection): KeyRing
    {
        foreach ([$this->configured($connection), $this->fromEnvironment($connection)] as $found) {
            if ($found !== []) {
                return new KeyRing($found);
            }
        }

        throw new KeyMissing(
            'No signing key: set the environment variable ' . self::variable($connection)
            . ' or ' . self::variable($connection) . '_FILE',
            1764140004,
        );
    }

    /**
     * The environment variable of a connection, such as MIETERPORTAL_KEY_WEBSITE. Its file is named by …_FILE, the
     * previous key by …_PREVIOUS; MIETERPORTAL_KEY and its kin hold for every connection without one of its own.
     */
    public static function variable(string $connection): string
    {
        return 'MIETERPORTAL_KEY_' . strtoupper((string)preg_replace('/[^A-Za-z0-9]/', '_', $connection));
    }

    /**
     * @return list<string>
     */
    private function configured(string $connection): array
    {
        $all = $this->configuration['keys'] ?? [];
        $own = is_array($all) ? ($all[$connection] ?? $all['*'] ?? []) : [];

        return is_array($own) ? self::pair($own['key'] ?? '', $own['previousKey'] ?? '', $own['file'] ?? '') : [];
    }

    /**
     * @return list<string>
     */
    private function fromEnvironment(string $connection): array
    {
        foreach ([self::variable($connection), 'MIETERPORTAL_KEY'] as $name) {
            $found = self::pair(
                $this->environment[$name] ?? '',
                $this->environment[$name . '_PREVIOUS'] ?? '',
                $this->environment[$name . '_FILE'] ?? '',
            );
            if ($found !== []) {
                return $found;
            }
        }

        return [];
    }

    /**
     * @return list<string> oldest to newest
     */
    private static function pair(mixed $key, mixed $previous, mixed $file): array
    {
        if (is_string($file) && $file !== '') {
            return self::fromFile($file);
        }
        $given = array_filter([$previous, $key], static fn(mixed $value): bool => is_string($value) && $value !== '');

        return $key === '' ? [] : array_values($given);
    }

    /**
     * One key a line, oldest to newest.
     *
     * @return list<string>
     */
    private static function fromFile(string $file): array
    {
        $lines = is_readable($file) ? file($file, FILE_IGNORE_NEW_LINES | FILE_SKIP_EMPTY_LINES) : false;
        if ($lines === false) {
            throw new KeyMissing('The file of the signing key cannot be read: ' . $file, 1764140005);
        }

        return array_values(array_filter(array_map(trim(...), $lines)));
    }
}
