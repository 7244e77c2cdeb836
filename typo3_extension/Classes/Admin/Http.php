<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Admin;

/**
 * Asks one address once: no redirect is followed, no status code is an error.
 */
interface Http
{
    /**
     * @param array<string, string> $headers
     * @param float $timeout seconds
     * @param string $body what is sent along; its type is among the headers
     * @throws NoAnswer
     */
    public function send(string $method, string $url, array $headers, float $timeout, string $body = ''): Answer;
}
