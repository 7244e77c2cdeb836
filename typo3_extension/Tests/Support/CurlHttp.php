<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Support;

use Mieterportal\Typo3\Admin\Answer;
use Mieterportal\Typo3\Admin\Http;
use Mieterportal\Typo3\Admin\NoAnswer;
use Mieterportal\Typo3\Admin\Trouble;

/**
 * Asks by curl, as TYPO3's client does underneath, for tests against the real portal without TYPO3.
 */
final class CurlHttp implements Http
{
    public function send(string $method, string $url, array $headers, float $timeout, string $body = ''): Answer
    {
        $said = [];
        $handle = curl_init($url);
        curl_setopt_array($handle, [
            CURLOPT_CUSTOMREQUEST => $method,
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_TIMEOUT_MS => (int)($timeout * 1000),
            CURLOPT_HTTPHEADER => array_map(static fn(string $name): string => $name . ': ' . $headers[$name], array_keys($headers)),
            CURLOPT_HEADERFUNCTION => static function ($_, string $line) use (&$said): int {
                $parts = explode(':', $line, 2);
                if (count($parts) === 2) {
                    $said[strtolower(trim($parts[0]))] = trim($parts[1]);
                }

                return strlen($line);
            },
        ] + ($body === '' ? [] : [CURLOPT_POSTFIELDS => $body]));
        $answered = curl_exec($handle);
        if (!is_string($answered)) {
            throw new NoAnswer(Trouble::ofCurl(curl_errno($handle)), (string)parse_url($url, PHP_URL_HOST));
        }

        return new Answer(curl_getinfo($handle, CURLINFO_RESPONSE_CODE), $said, $answered);
    }
}
