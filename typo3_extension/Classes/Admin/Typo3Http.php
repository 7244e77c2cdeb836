<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Admin;

use GuzzleHttp\Exception\ConnectException;
use GuzzleHttp\Exception\GuzzleException;
use GuzzleHttp\Exception\RequestException;
use GuzzleHttp\Promise\RejectionException;
use Mieterportal\Typo3\Portal\PortalClientFactory;
use TYPO3\CMS\Core\Http\RequestFactory;

/**
 * Asks by TYPO3's own HTTP client, whose settings (proxy, certificates, `HTTP/allowed_hosts/mieterportal`) hold.
 */
final readonly class Typo3Http implements Http
{
    public function __construct(
        private RequestFactory $requestFactory,
    ) {}

    public function send(string $method, string $url, array $headers, float $timeout, string $body = ''): Answer
    {
        $options = [
            'headers' => $headers,
            'timeout' => $timeout,
            'connect_timeout' => $timeout,
            'http_errors' => false,
            'allow_redirects' => false,
            'stream' => false,
        ];
        $options += $body === '' ? [] : ['body' => $body];
        try {
            $response = $this->requestFactory->request($url, $method, $options, PortalClientFactory::CONTEXT);
            $read = $response->getBody()->read(Answer::MAX_BYTES);
        } catch (GuzzleException|\RuntimeException $fault) {
            throw self::translated($fault, $url);
        }
        $said = array_map(static fn(array $values): string => implode(', ', $values), $response->getHeaders());

        return new Answer($response->getStatusCode(), array_change_key_case($said), $read);
    }

    /**
     * The fault itself is not handed on: its text and its trace hold the request with its token.
     */
    private static function translated(\Throwable $fault, string $url): NoAnswer
    {
        $host = (string)parse_url($url, PHP_URL_HOST);
        if ($fault instanceof RejectionException) {
            return new NoAnswer(Trouble::HostNotAllowed, $host);
        }
        $knowsMore = $fault instanceof ConnectException || $fault instanceof RequestException;
        $number = $knowsMore ? (int)($fault->getHandlerContext()['errno'] ?? 0) : 0;

        return new NoAnswer(Trouble::ofCurl($number), $host);
    }
}
