<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Middleware;

use Mieterportal\Typo3\Content\PageUrl;
use Mieterportal\Typo3\Content\PortalAddress;
use Mieterportal\Typo3\Content\PortalElement;
use Mieterportal\Typo3\Content\PortalElements;
use Mieterportal\Typo3\Routing\PortalEnhancer;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;
use Psr\Http\Server\MiddlewareInterface;
use Psr\Http\Server\RequestHandlerInterface;
use TYPO3\CMS\Core\Routing\PageArguments;
use TYPO3\CMS\Core\Site\Entity\SiteLanguage;

/**
 * On a page that shows the portal, path and query belong to the portal. They are taken out of TYPO3's page arguments:
 * so no cHash is asked for, and all addresses below the page share one entry of the page cache.
 */
final readonly class FindPortalAddress implements MiddlewareInterface
{
    public function __construct(private PortalElements $elements) {}

    public function process(ServerRequestInterface $request, RequestHandlerInterface $handler): ResponseInterface
    {
        $routing = $request->getAttribute('routing');
        $language = $request->getAttribute('language');
        if ($routing instanceof PageArguments && $language instanceof SiteLanguage) {
            $element = $this->elements->fragmentOn($routing->getPageId(), $language->getLanguageId());
            if ($element !== null) {
                $request = $this->withAddress($request, $routing, $element);
            }
        }

        return $handler->handle($request);
    }

    private function withAddress(
        ServerRequestInterface $request,
        PageArguments $routing,
        PortalElement $element,
    ): ServerRequestInterface {
        $arguments = $routing->getRouteArguments();
        $path = (string)($arguments[PortalEnhancer::ARGUMENT] ?? '');
        unset($arguments[PortalEnhancer::ARGUMENT]);
        $address = new PortalAddress(
            $element,
            PageUrl::of($request, $routing->getPageId()),
            implode('/', array_map(rawurlencode(...), explode('/', trim($path, '/')))),
            $request->getUri()->getQuery(),
        );

        return $request
            ->withAttribute(PortalAddress::ATTRIBUTE, $address)
            ->withAttribute('routing', new PageArguments($routing->getPageId(), $routing->getPageType(), $arguments));
    }
}
