<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Portal;

use GuzzleHttp\Exception\GuzzleException;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\StreamInterface;

/**
 * Sends one HTTP request and returns its answer, whose body is read as it arrives. Redirects and errors are answers.
 */
final readonly class Transport
{
    /** A body is no longer waited for when it moves slower than this, in bytes a second. */
    private const CRAWLING = 16;

    /**
     * @param \Closure(string, string, array<string, mixed>): ResponseInterface $request address, method, Guzzle's options
     */
    public function __construct(private \Closure $request) {}

    /**
     * @param array<string, string> $headers
     * @param float $timeout seconds without a sign of life
     * @throws PortalUnreachable
     */
    public function send(
        string $method,
        string $url,
        #[\SensitiveParameter]
        array $headers,
        ?StreamInterface $body,
        float $timeout,
    ): ResponseInterface {
        $options = [
            'headers' => $headers,
            'http_errors' => false,
            'allow_redirects' => false,
            'decode_content' => false,
            'cookies' => false,
            'connect_timeout' => $timeout,
        ];
        $options += $body === null ? self::reading($timeout) : self::sending($body, $timeout);
        $begun = microtime(true);
        try {
            return ($this->request)($url, $method, $options);
        } catch (GuzzleException|\RuntimeException $failed) {
            $cause = match (true) {
                microtime(true) - $begun >= $timeout => 'no answer within ' . $timeout . ' s from ' . $url,
                $body === null => $this->causeByCurl($url) ?? self::cause($failed),
                default => self::cause($failed),
            };
            throw new PortalUnreachable($cause, 1764140021);
        }
    }

    /**
     * PHP's own streams say "connection refused" whatever was the matter; curl tells names from certificates. It only
     * connects, and asks nothing.
     */
    private function causeByCurl(string $url): ?string
    {
        if (!extension_loaded('curl')) {
            return null;
        }
        $options = ['curl' => [\CURLOPT_CONNECT_ONLY => true], 'connect_timeout' => 2, 'timeout' => 2];
        try {
            ($this->request)($url, 'GET', $options);
        } catch (GuzzleException|\RuntimeException $failed) {
            $cause = self::cause($failed);

            return str_contains($cause, 'cURL error') ? $cause : null;
        }

        return null;
    }

    /**
     * @return array<string, mixed>
     */
    private static function reading(float $timeout): array
    {
        return ['stream' => true, 'timeout' => $timeout, 'read_timeout' => $timeout];
    }

    /**
     * By curl, which reads the body piece by piece; Guzzle's other way would hold all of it in memory.
     *
     * @return array<string, mixed>
     */
    private static function sending(StreamInterface $body, float $timeout): array
    {
        $options = ['body' => $body, 'timeout' => 0, 'read_timeout' => $timeout];
        if (extension_loaded('curl')) {
            $options['curl'] = [
                \CURLOPT_LOW_SPEED_LIMIT => self::CRAWLING,
                \CURLOPT_LOW_SPEED_TIME => max(1, (int)ceil($timeout)),
            ];
        }

        return $options;
    }

    private static function cause(\Throwable $failed): string
    {
        $class = substr((string)strrchr('\\' . $failed::class, '\\'), 1);

        return $class . ': ' . preg_replace('/\s+/', ' ', mb_substr($failed->getMessage(), 0, 300));
    }
}
