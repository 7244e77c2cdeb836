<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Admin;

/**
 * What came back, from whomever.
 */
final readonly class Answer
{
    /** More than any answer of the admin interface has; what follows is not read. */
    public const MAX_BYTES = 2_097_152;

    /**
     * @param array<string, string> $headers by their names in lower case
     */
    public function __construct(
        public int $status,
        public array $headers = [],
        public string $body = '',
    ) {}

    public function header(string $name): string
    {
        return $this->headers[strtolower($name)] ?? '';
    }

    public function mediaType(): string
    {
        return strtolower(trim(explode(';', $this->header('Content-Type'))[0]));
    }

    /**
     * @return ?array<string, mixed> null when it is no JSON object
     */
    public function json(): ?array
    {
        if (!in_array($this->mediaType(), ['application/json', 'application/problem+json'], true)) {
            return null;
        }
        $read = json_decode($this->body, true);

        return is_array($read) ? $read : null;
    }

    /**
     * By how many seconds the clock of the answering side is ahead of ours; null when it does not tell.
     */
    public function clockAhead(int $now): ?int
    {
        $date = \DateTimeImmutable::createFromFormat('D, d M Y H:i:s T', $this->header('Date'));

        return $date === false ? null : $date->getTimestamp() - $now;
    }
}
