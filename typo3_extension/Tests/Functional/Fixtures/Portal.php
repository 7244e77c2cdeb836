<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Functional\Fixtures;

use GuzzleHttp\Exception\ConnectException;
use GuzzleHttp\Promise\Create;
use GuzzleHttp\Promise\PromiseInterface;
use GuzzleHttp\Psr7\Response;
use GuzzleHttp\Psr7\Utils;
use Psr\Http\Message\RequestInterface;

/**
 * What is at the portal's address: answers as it is told, and remembers what it was asked.
 */
final class Portal
{
    public const PAGE = ['Content-Type' => 'text/html; charset=utf-8', 'Portal-Title' => 'Schaden%20melden'];

    /** @var list<RequestInterface> */
    public array $asked = [];

    /** @var list<int> bytes of the bodies, read as they came */
    public array $bytes = [];

    /** @var ?array{int, array<string, string>, string} status, headers and body; null when nobody is there */
    public ?array $answer = [200, self::PAGE, '<div class="mieterportal">Meine Vorgänge</div>'];

    public static ?self $current = null;

    /**
     * As a middleware of TYPO3's HTTP client: nothing is sent any further.
     */
    public function __invoke(callable $handler): callable
    {
        return function (RequestInterface $request, array $options): PromiseInterface {
            $this->asked[] = $request;
            $hash = Utils::hash($request->getBody(), 'sha256');
            $this->bytes[] = $hash === '' ? 0 : (int)$request->getBody()->getSize();

            return $this->answer === null
                ? Create::rejectionFor(new ConnectException('Connection refused', $request))
                : Create::promiseFor(new Response(...$this->answer));
        };
    }

    /**
     * @return array<string, mixed> what the token of the last page says
     */
    public function claims(): array
    {
        $pages = array_filter($this->asked, static fn(RequestInterface $asked): bool => $asked->hasHeader('Authorization'));

        return self::opened(explode(':', end($pages)->getHeaderLine('Authorization'))[1] ?? '');
    }

    /**
     * @return array<string, mixed> what the last token that was posted says
     */
    public function posted(): array
    {
        parse_str((string)end($this->asked)->getBody(), $fields);

        return self::opened((string)($fields['token'] ?? ''));
    }

    /**
     * @return array<string, mixed>
     */
    private static function opened(string $token): array
    {
        $payload = base64_decode(strtr(explode('.', $token)[0], '-_', '+/'), true);

        return json_decode((string)$payload, true, 8, JSON_THROW_ON_ERROR);
    }
}
