<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Portal;

use Mieterportal\Typo3\Session\KeyMissing;
use Mieterportal\Typo3\Session\KeySource;
use Mieterportal\Typo3\Session\SessionSigner;
use Mieterportal\Typo3\Settings\PortalSettings;
use TYPO3\CMS\Core\Http\RequestFactory;

/**
 * The portal's client and signer of a site.
 */
final readonly class PortalClientFactory
{
    /** Names these requests, so that `HTTP/allowed_hosts/mieterportal` can limit where they go. */
    public const CONTEXT = 'mieterportal';

    public function __construct(private RequestFactory $requestFactory) {}

    /**
     * @throws KeyMissing
     */
    public function client(PortalSettings $settings): PortalClient
    {
        return new PortalClient($this->transport(), $settings, $this->signer($settings));
    }

    /**
     * @throws KeyMissing
     */
    public function signer(PortalSettings $settings): SessionSigner
    {
        return new SessionSigner(
            $settings->connection,
            $settings->url,
            KeySource::ofTypo3()->forConnection($settings->connection),
        );
    }

    private function transport(): Transport
    {
        return new Transport(fn(string $url, string $method, array $options) => $this->requestFactory->request(
            $url,
            $method,
            $options,
            self::CONTEXT,
        ));
    }
}
