<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Content;

/**
 * Which page of the portal an address of this site means: what stands behind the page's own address.
 */
final readonly class PortalAddress
{
    public const ATTRIBUTE = 'mieterportal.address';

    /**
     * @param string $baseUrl the page's own address, which links of the portal begin with
     * @param string $path what was asked for below it, encoded
     * @param string $query encoded, without `?`
     */
    public function __construct(
        public PortalElement $element,
        public string $baseUrl,
        public string $path = '',
        public string $query = '',
    ) {}

    /**
     * The path at the portal: the page itself is where its element begins.
     */
    public function portalPath(): string
    {
        return $this->path === '' ? $this->element->start : $this->path;
    }

    public function portalQuery(): string
    {
        $preset = $this->path === '' ? $this->element->preset : '';

        return trim($preset . '&' . $this->query, '&');
    }

    /**
     * Where to come back to after signing in.
     */
    public function getUrl(): string
    {
        return rtrim($this->baseUrl . '/' . $this->path, '/') . ($this->query === '' ? '' : '?' . $this->query);
    }
}
